//! `tejido`: every health institution runs this as its node. See `tejido --help`.

/// Requests, the writer and the engine's workers allocate on different threads, where the system's allocator takes a
/// quarter of the time of a read. There is none of this for Microsoft's linker.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    tejido::cli::main()
}
