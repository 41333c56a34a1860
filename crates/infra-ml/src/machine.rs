use std::fs;

use crate::cores;
use crate::engine::cpu::SimdLevel;

/// What this machine, or its part that this process may use, has for models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The cores that this process may use.
    pub cores: usize,
    /// The best instructions of the CPU that the engine has code for, such as `avx512_vnni`; `portable` for none.
    pub kernel: &'static str,
    /// Whether the CPU has instructions that make int8 faster than `f32`.
    pub has_fast_int8: bool,
    /// The memory that this process may use in bytes: that of the machine, or less where a control group limits it;
    /// none where it is unknown.
    pub memory: Option<u64>,
}

impl Machine {
    /// This machine.
    pub fn detect() -> Self {
        let level = SimdLevel::detect();
        let memory = [cores::memory_limit(), total_memory()].into_iter().flatten().min();
        let (kernel, has_fast_int8) = (level.name(), level.has_fast_int8());
        Self { cores: cores::available(), kernel, has_fast_int8, memory }
    }
}

/// The memory of the machine in bytes, from `proc_meminfo(5)`; none on other systems than Linux.
fn total_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_cores_and_a_kernel() {
        let machine = Machine::detect();
        assert!(machine.cores > 0 && !machine.kernel.is_empty(), "{machine:?}");
        assert!(machine.memory.is_none_or(|bytes| bytes > 1 << 20), "{machine:?}");
    }
}
