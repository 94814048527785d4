import ArgumentParser

/// How output looks.
struct AppearanceOptions: ParsableArguments {
    @Option(help: "Whether text is coloured: auto, always or never.")
    var color: ColorChoice?
}

extension ColorChoice: ExpressibleByArgument {}
