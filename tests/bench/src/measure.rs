//! Wall time, CPU time and memory, of this process and of others.

use std::{
    fmt, fs,
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};

/// What something took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Time on the wall.
    pub wall: Duration,
    /// Time on all CPUs, of all threads of this process.
    pub cpu: Duration,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} CPU)", time(self.wall), time(self.cpu))
    }
}

/// A stopwatch for wall and CPU.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    wall: Instant,
    cpu: Duration,
}

impl Watch {
    /// Starts.
    pub fn start() -> Self {
        Self { cpu: cpu(), wall: Instant::now() }
    }

    /// What it took since the start.
    pub fn stop(&self) -> Cost {
        Cost { wall: self.wall.elapsed(), cpu: cpu().saturating_sub(self.cpu) }
    }
}

/// CPU time of this process so far.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Measures `work`.
pub fn cost<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let watch = Watch::start();
    let value = work();
    (value, watch.stop())
}

/// Several measurements of the same thing.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    costs: Vec<Cost>,
}

impl Samples {
    /// Takes one in.
    pub fn add(&mut self, cost: Cost) {
        self.costs.push(cost);
    }

    /// The wall time that this share of them stays below.
    pub fn wall_at(&self, share: f64) -> Duration {
        let mut walls: Vec<Duration> = self.costs.iter().map(|cost| cost.wall).collect();
        walls.sort_unstable();
        let at = (share * (walls.len().saturating_sub(1)) as f64).round() as usize;
        walls.get(at).copied().unwrap_or_default()
    }

    /// The one with the median wall time.
    pub fn median(&self) -> Cost {
        let mut costs = self.costs.clone();
        costs.sort_unstable_by_key(|cost| cost.wall);
        costs.get(costs.len() / 2).copied().unwrap_or_default()
    }

    /// The quickest.
    pub fn best(&self) -> Cost {
        self.costs.iter().copied().min_by_key(|cost| cost.wall).unwrap_or_default()
    }

    /// CPU time of one, on average.
    pub fn cpu_each(&self) -> Duration {
        let all: Duration = self.costs.iter().map(|cost| cost.cpu).sum();
        all / u32::try_from(self.costs.len().max(1)).unwrap_or(u32::MAX)
    }

    /// `p50 …, p99 …`, and CPU time each if it is known.
    pub fn p50_p99(&self) -> String {
        let cpu = self.cpu_each();
        let cpu = if cpu.is_zero() { String::new() } else { format!(" ({} CPU each)", time(cpu)) };
        format!("p50 {}, p99 {}{cpu}", time(self.wall_at(0.5)), time(self.wall_at(0.99)))
    }
}

/// A time for people.
pub fn time(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds >= 9.95 => format!("{seconds:.1} s"),
        seconds if seconds >= 0.995 => format!("{seconds:.2} s"),
        seconds if seconds >= 0.00995 => format!("{:.1} ms", seconds * 1e3),
        seconds => format!("{:.2} ms", seconds * 1e3),
    }
}

/// Bytes for people.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.2} MB", bytes as f64 / 1e6),
    }
}

/// Memory of a process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// Resident now, in bytes.
    pub now: u64,
    /// The most that was ever resident.
    pub peak: u64,
}

/// Memory of process `id`; `self` for this one.
pub fn memory(id: &str) -> Memory {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
    };
    Memory { now: field("VmRSS:"), peak: field("VmHWM:") }
}

/// The machine, and how busy it was.
pub fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1)).unwrap_or("CPU");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cpus} × {model}, Linux {}, load {}", kernel.trim(), load())
}

/// The load averages.
pub fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}
