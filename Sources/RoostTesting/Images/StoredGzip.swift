import NIOCore

/// Wraps bytes into a gzip file without compressing them.
///
/// Deflate knows blocks that are merely stored (RFC 1951, 3.2.4), so a valid gzip file (RFC 1952) needs no compression
/// library, and the bytes are the same with every version of one.
enum StoredGzip {
    static func wrap(_ content: ByteBuffer) -> ByteBuffer {
        let largestBlock = 65_535
        var content = content
        let size = content.readableBytes
        let checksum = content.withUnsafeReadableBytes(CRC32.checksum)
        var gzip = ByteBuffer()
        gzip.reserveCapacity(size + size / largestBlock * 5 + 32)
        // Magic, method deflate, no flags, no time, no hints, unknown operating system.
        gzip.writeBytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF])
        repeat {
            let length = min(content.readableBytes, largestBlock)
            gzip.writeInteger(UInt8(length == content.readableBytes ? 1 : 0))
            gzip.writeInteger(UInt16(length), endianness: .little)
            gzip.writeInteger(~UInt16(length), endianness: .little)
            if var block = content.readSlice(length: length) { gzip.writeBuffer(&block) }
        } while content.readableBytes > 0
        gzip.writeInteger(checksum, endianness: .little)
        gzip.writeInteger(UInt32(truncatingIfNeeded: size), endianness: .little)
        return gzip
    }
}

/// The CRC of gzip and PNG, four bytes a step, since layers are tens of megabytes.
enum CRC32 {
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 4 * 256)
        for index in 0..<256 {
            var value = UInt32(index)
            for _ in 0..<8 { value = value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1 }
            tables[index] = value
        }
        for index in 0..<256 {
            for step in 1..<4 {
                let previous = tables[(step - 1) * 256 + index]
                tables[step * 256 + index] = (previous >> 8) ^ tables[Int(previous & 0xFF)]
            }
        }
        return tables
    }()

    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        tables.withUnsafeBufferPointer { table in
            var crc = ~UInt32(0)
            var offset = 0
            while offset + 4 <= bytes.count {
                crc ^= UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
                crc =
                    table[768 + Int(crc & 0xFF)] ^ table[512 + Int((crc >> 8) & 0xFF)]
                    ^ table[256 + Int((crc >> 16) & 0xFF)] ^ table[Int(crc >> 24)]
                offset += 4
            }
            while offset < bytes.count {
                crc = (crc >> 8) ^ table[Int((crc ^ UInt32(bytes[offset])) & 0xFF)]
                offset += 1
            }
            return ~crc
        }
    }
}
