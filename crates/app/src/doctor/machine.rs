use application::action::chain;
use cli::Finding;
use infra_ml::{Machine, Precision};

use crate::config::Settings;
use crate::doctor::size;
use crate::server;

const CPU: &str = "cpu";
const MEMORY: &str = "memory";
const OPEN_FILES: &str = "open files";

/// What the process takes beside models, bodies and the cache.
const PROCESS_BYTES: u64 = 80 << 20;
/// The memory of a model for each byte of its weights, while it is loaded.
const BYTES_OF_WEIGHT: u64 = 2;

/// Whether the CPU, the memory and the open files are enough for models with `weights` bytes.
pub(super) fn examine(settings: &Settings, weights: u64, report: &mut dyn FnMut(Finding)) {
    let machine = Machine::detect();
    report(cpu(settings, &machine));
    report(memory(settings, &machine, weights));
    report(open_files(settings));
}

fn cpu(settings: &Settings, machine: &Machine) -> Finding {
    let cores = if machine.cores == 1 { "1 core".to_owned() } else { format!("{} cores", machine.cores) };
    let seen = format!("{cores}, {}", machine.kernel);
    let precisions = settings.models.values().chain([&settings.model]).map(|model| model.precision);
    if machine.kernel == "portable" {
        let advice =
            "use a CPU with AVX2 or AVX-512, or a 64-bit Arm; virtual machines may hide what theirs has";
        return Finding::warn(CPU, format!("{seen}: no vector instructions that the engine knows"), advice);
    }
    if !machine.has_fast_int8 && precisions.into_iter().any(|precision| precision == Precision::Int8) {
        let seen = format!("{seen}, without fast int8 (VNNI), but model.precision is int8");
        return Finding::warn(
            CPU,
            seen,
            "set model.precision = \"auto\", which measures both where it matters",
        );
    }
    Finding::ok(CPU, seen)
}

fn memory(settings: &Settings, machine: &Machine, weights: u64) -> Finding {
    let cache = if settings.cache.enabled { settings.cache.max_bytes } else { 0 };
    let bodies = settings.server.max_body_memory as u64;
    let needed = PROCESS_BYTES + weights * BYTES_OF_WEIGHT + cache + bodies;
    match machine.memory {
        None => Finding::ok(MEMORY, format!("about {} needed at most", size(needed))),
        Some(memory) if memory < needed => Finding::warn(
            MEMORY,
            format!("{}, but about {} may be needed", size(memory), size(needed)),
            "raise the limit, use a smaller model, or lower server.max_body_memory and cache.max_bytes",
        ),
        Some(memory) => Finding::ok(
            MEMORY,
            format!("{}, of which about {} are needed at most", size(memory), size(needed)),
        ),
    }
}

fn open_files(settings: &Settings) -> Finding {
    let configured = settings.server.max_connections;
    match settings.server.connections_that_fit(server::store_files(settings)) {
        Ok(fit) if fit < configured => Finding::warn(
            OPEN_FILES,
            format!("enough for {fit} connections, not for server.max_connections, which is {configured}"),
            "raise the limit (ulimit -n, LimitNOFILE), or lower server.max_connections",
        ),
        Ok(_) => Finding::ok(OPEN_FILES, format!("enough for {configured} connections")),
        Err(error) => Finding::of_error(OPEN_FILES, &chain(&error), "raise the limit (ulimit -n)"),
    }
}

#[cfg(test)]
mod tests {
    use cli::Verdict;

    use super::*;

    fn machine() -> Machine {
        Machine { cores: 2, kernel: "avx2", has_fast_int8: false, memory: Some(1 << 30) }
    }

    #[test]
    fn int8_needs_a_cpu_for_it() {
        let mut settings = Settings::default();
        assert_eq!(cpu(&settings, &machine()), Finding::ok(CPU, "2 cores, avx2"));
        settings.model.precision = Precision::Int8;
        assert_eq!(cpu(&settings, &machine()).verdict, Verdict::Warn);
        assert_eq!(cpu(&settings, &Machine { has_fast_int8: true, ..machine() }).verdict, Verdict::Ok);
        let slow = Machine { cores: 1, kernel: "portable", ..machine() };
        assert!(cpu(&Settings::default(), &slow).seen.starts_with("1 core, portable"));
    }

    #[test]
    fn large_models_need_more_memory_than_a_small_machine_has() {
        let settings = Settings::default();
        assert_eq!(memory(&settings, &machine(), 90 << 20).verdict, Verdict::Ok);
        assert_eq!(memory(&settings, &machine(), 500 << 20).verdict, Verdict::Warn);
        assert_eq!(memory(&settings, &Machine { memory: None, ..machine() }, 1 << 40).verdict, Verdict::Ok);
    }
}
