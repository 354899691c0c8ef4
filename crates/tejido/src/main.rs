//! `tejido`: every health institution runs this as its node. See `tejido --help`.

/// Requests, the writer and the engine's workers allocate on different threads, where the system's allocator takes a
/// quarter of the time of a read.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    tejido::cli::main()
}
