//! `tejido`: every health institution runs this as its node. See `tejido --help`.

fn main() -> std::process::ExitCode {
    tejido::cli::main()
}
