import RoostTesting

/// Certificates for tests alone, valid for a hundred years, and the folders that Docker keeps such in.
///
/// Made with openssl: two authorities, and P-256 certificates that they have signed.
enum TestCertificates {
    /// Writes a folder in the layout of `DOCKER_CERT_PATH`.
    static func write(
        to folder: TemporaryDirectory,
        authority: String? = TestCertificates.authority,
        certificate: String? = client,
        key: String? = clientKey
    ) throws {
        if let authority { try folder.write(authority, to: "ca.pem") }
        if let certificate { try folder.write(certificate, to: "cert.pem") }
        if let key { try folder.write(key, to: "key.pem") }
    }

    /// Signs the server and the client.
    static let authority = """
        -----BEGIN CERTIFICATE-----
        MIIBpzCCAU2gAwIBAgIURlerGJ5rqr+AurbiMqjlxkj3YpwwCgYIKoZIzj0EAwIw
        IDEeMBwGA1UEAwwVUm9vc3QgdGVzdHMgYXV0aG9yaXR5MCAXDTI2MTEyMTEwMTE0
        NVoYDzIxMjYxMDI4MTAxMTQ1WjAgMR4wHAYDVQQDDBVSb29zdCB0ZXN0cyBhdXRo
        b3JpdHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATfO5wG/WFxfkeJJSM+cc00
        +gWo+kZaU1b5wNfd6w2zlGjzy3nVddpAZoWiwYoGV1ySlhxJry0SvsZMc39CksIC
        o2MwYTAdBgNVHQ4EFgQUxs1rH4JzJ+WUum4vBhFWe49i7pAwHwYDVR0jBBgwFoAU
        xs1rH4JzJ+WUum4vBhFWe49i7pAwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8E
        BAMCAgQwCgYIKoZIzj0EAwIDSAAwRQIhAO9pSXeb9gbM2AANcDPSY4CW2QAUqCta
        Fb/QOeK/1SkmAiA2gs6lyvcwk5TRCYtWJMd0aAHzDgW4D0A3DJm50wQ1wA==
        -----END CERTIFICATE-----
        """

    /// Signs nobody who matters.
    static let stranger = """
        -----BEGIN CERTIFICATE-----
        MIIBpDCCAUugAwIBAgIUYBHJFyuFFZd6pUnaDl8/DuKL07cwCgYIKoZIzj0EAwIw
        HzEdMBsGA1UEAwwUUm9vc3QgdGVzdHMgc3RyYW5nZXIwIBcNMjYxMTIxMTAxMTQ1
        WhgPMjEyNjEwMjgxMDExNDVaMB8xHTAbBgNVBAMMFFJvb3N0IHRlc3RzIHN0cmFu
        Z2VyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEn94c9WVOL5BTcP4emFWta9Kt
        NGvNY6XcDSfHapFAnBlXZc6h8zTwWXOiL8K8Z5iThaPELKH1HJykb98JyxvtPaNj
        MGEwHQYDVR0OBBYEFI89emcnx4i2tzlGVgfh0D6ACG1ZMB8GA1UdIwQYMBaAFI89
        emcnx4i2tzlGVgfh0D6ACG1ZMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQD
        AgIEMAoGCCqGSM49BAMCA0cAMEQCICAIYz8tstTGLQf1C2nQKNbxP0OPue3MYHtL
        QN40DjOyAiBWb7rq54g0l1fXOvAKM3Rlzs8hDPc/VdyFpopRGXN6Bg==
        -----END CERTIFICATE-----
        """

    /// For 127.0.0.1 and localhost.
    static let server = """
        -----BEGIN CERTIFICATE-----
        MIIBqTCCAU6gAwIBAgIUNj3/IS7KeVMRqWGSdKe4XfcRg4cwCgYIKoZIzj0EAwIw
        IDEeMBwGA1UEAwwVUm9vc3QgdGVzdHMgYXV0aG9yaXR5MCAXDTI2MTEyMTEwMTE0
        NVoYDzIxMjYxMDI4MTAxMTQ1WjARMQ8wDQYDVQQDDAZzZXJ2ZXIwWTATBgcqhkjO
        PQIBBggqhkjOPQMBBwNCAATBw28kTsksn7pcF1muwkiIg19wqV0kgaJ+hEhQCvr9
        uOxDcto+wJVVOD0t5ZVXMVbzadeh47VTwSnjJ7ImoNJko3MwcTAaBgNVHREEEzAR
        hwR/AAABgglsb2NhbGhvc3QwEwYDVR0lBAwwCgYIKwYBBQUHAwEwHQYDVR0OBBYE
        FBMGLe6oNqdUmPbER0g6Q6ruiQqMMB8GA1UdIwQYMBaAFMbNax+CcyfllLpuLwYR
        VnuPYu6QMAoGCCqGSM49BAMCA0kAMEYCIQDUTi7rSSUXRB9oz633FLKF6gJgeiSB
        Jy7V43IVJn8TwAIhAI9PRP74tmSGYsHTLSce+07x7u2CkL+CiQQZ2sePWclk
        -----END CERTIFICATE-----
        """

    static let serverKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWM9BBeAgI4UoFtdI
        Nr3bgIF+RGnfZxEfseRdxp81OLGhRANCAATBw28kTsksn7pcF1muwkiIg19wqV0k
        gaJ+hEhQCvr9uOxDcto+wJVVOD0t5ZVXMVbzadeh47VTwSnjJ7ImoNJk
        -----END PRIVATE KEY-----
        """

    static let client = """
        -----BEGIN CERTIFICATE-----
        MIIBjDCCATKgAwIBAgIUNj3/IS7KeVMRqWGSdKe4XfcRg4gwCgYIKoZIzj0EAwIw
        IDEeMBwGA1UEAwwVUm9vc3QgdGVzdHMgYXV0aG9yaXR5MCAXDTI2MTEyMTEwMTE0
        NVoYDzIxMjYxMDI4MTAxMTQ1WjARMQ8wDQYDVQQDDAZjbGllbnQwWTATBgcqhkjO
        PQIBBggqhkjOPQMBBwNCAASu35yQei6GizH5rK9zcTSd3tref3/Gifuc5W1gi8v9
        1vZoKvi9n3Ic96TIPEy07yLHhoUYRATPKyo7ynnZ8PlSo1cwVTATBgNVHSUEDDAK
        BggrBgEFBQcDAjAdBgNVHQ4EFgQUqKTlf6YhiGorUdiOopcJ5xOdQ7AwHwYDVR0j
        BBgwFoAUxs1rH4JzJ+WUum4vBhFWe49i7pAwCgYIKoZIzj0EAwIDSAAwRQIgHD4X
        WeMaB+3Dkfrj1MYSpVivLw8LPrOL+5XdoHfjAQsCIQD7FuCzI8K4NB5PjdzBLxng
        7GMZOsdAXMRa5kr4fLDSgw==
        -----END CERTIFICATE-----
        """

    static let clientKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5WGrQDcgZfXiTzob
        sFUHiYFnZJjHipSmKyS1V04s14ehRANCAASu35yQei6GizH5rK9zcTSd3tref3/G
        ifuc5W1gi8v91vZoKvi9n3Ic96TIPEy07yLHhoUYRATPKyo7ynnZ8PlS
        -----END PRIVATE KEY-----
        """

    /// A client of the stranger.
    static let outsider = """
        -----BEGIN CERTIFICATE-----
        MIIBjjCCATOgAwIBAgIUFam0wQP1FzCLtc6mvGl+7Zx4C+gwCgYIKoZIzj0EAwIw
        HzEdMBsGA1UEAwwUUm9vc3QgdGVzdHMgc3RyYW5nZXIwIBcNMjYxMTIxMTAxMTQ1
        WhgPMjEyNjEwMjgxMDExNDVaMBMxETAPBgNVBAMMCG91dHNpZGVyMFkwEwYHKoZI
        zj0CAQYIKoZIzj0DAQcDQgAEJj+SRYD03+j6dEMy8fRuhtX9CPr25qgL7478YGWO
        EbvZAumsOTOoZBw2eiBz9yoWhXh7irq2EV0cG8Nkw+mKZaNXMFUwEwYDVR0lBAww
        CgYIKwYBBQUHAwIwHQYDVR0OBBYEFHWwnZzfXB/tySxm7ccvq9qa7gWqMB8GA1Ud
        IwQYMBaAFI89emcnx4i2tzlGVgfh0D6ACG1ZMAoGCCqGSM49BAMCA0kAMEYCIQDX
        wP9BcIayraKndSqyCs0e8XtrSkeSs4u6PZ6r1gKqPQIhAIxtOUNBzy6gtNwpKkSD
        T1NU87dfyOLxSxRnUqUaW2zc
        -----END CERTIFICATE-----
        """

    static let outsiderKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8lwWoxKTnqEH6xb7
        EC9TaPDWRUNqlch6f/zEUoe0caOhRANCAAQmP5JFgPTf6Pp0QzLx9G6G1f0I+vbm
        qAvvjvxgZY4Ru9kC6aw5M6hkHDZ6IHP3KhaFeHuKurYRXRwbw2TD6Ypl
        -----END PRIVATE KEY-----
        """
}
