//! The table of step costs.

use std::fmt::{self, Write as _};
use std::time::Duration;

use super::site::Cost;
use super::store::Traffic;

/// Steps of one kind.
pub struct Phase {
    name: &'static str,
    items: u64,
    /// Time of each step, by kernel.
    times: Vec<Vec<Duration>>,
    fuel: u64,
    traffic: Traffic,
}

impl Phase {
    /// A phase without steps.
    pub fn new(name: &'static str) -> Phase {
        Phase {
            name,
            items: 0,
            times: Vec::new(),
            fuel: 0,
            traffic: Traffic::default(),
        }
    }

    /// Adds a step that carried so many items.
    pub fn add(&mut self, items: usize, cost: Cost) {
        self.items += items as u64;
        self.times.resize(cost.times.len(), Vec::new());
        for (all, time) in self.times.iter_mut().zip(cost.times) {
            all.push(time);
        }
        self.fuel += cost.fuel;
        self.traffic += cost.traffic;
    }

    /// Items that its steps carried.
    pub fn items(&self) -> u64 {
        self.items
    }

    fn steps(&self) -> u64 {
        self.times.first().map_or(0, |times| times.len() as u64)
    }

    /// Time per item in the median step, in µs, by kernel. The median, as other work on the
    /// machine makes some steps take many times as long.
    pub fn item_us(&self) -> Vec<f64> {
        self.times
            .iter()
            .map(|times| median_us(times) * self.steps() as f64 / self.items.max(1) as f64)
            .collect()
    }

    /// Median time of a step in the first and in the last tenth of the steps, in µs, by kernel.
    pub fn first_and_last_us(&self) -> Vec<(f64, f64)> {
        self.times
            .iter()
            .map(|times| {
                let tenth = times.len().div_ceil(10);
                let last = times.len() - tenth;
                (median_us(&times[..tenth]), median_us(&times[last..]))
            })
            .collect()
    }

    fn row(&self) -> String {
        let per_step = self.items as f64 / self.steps().max(1) as f64;
        let item = self.item_us();
        let of_item = |count: u64| count as f64 / self.items.max(1) as f64;
        let mut row = format!("{:<26}{:>8}", self.name, self.items);
        for time in &item {
            let _ = write!(row, "{:>11.1}{:>9.2}", time * per_step, time);
        }
        if let [native, component] = item[..] {
            let _ = write!(row, "{:>7.2}", component / native);
        }
        let Traffic {
            gets,
            keys,
            scans,
            bytes,
        } = self.traffic;
        for count in [gets, keys, scans] {
            let _ = write!(row, "{:>8.2}", of_item(count));
        }
        for count in [bytes, self.fuel] {
            let _ = write!(row, "{:>9.0}", of_item(count));
        }
        row
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn median_us(times: &[Duration]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().map_or(0.0, micros)
}

/// The results.
pub struct Report {
    /// Names of the kernels.
    pub kernels: Vec<&'static str>,
    /// The table's rows.
    pub phases: Vec<Phase>,
    /// Lines below the table.
    pub notes: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Steps of the kernel over tables in memory, without a disk"
        )?;
        write!(f, "{:<26}{:>8}", "step", "items")?;
        for kernel in &self.kernels {
            write!(f, "{:>20}", format!("{kernel} µs"))?;
        }
        if self.kernels.len() == 2 {
            write!(f, "{:>7}", "ratio")?;
        }
        writeln!(f, "{:>42}", "per item: store, fuel")?;
        write!(f, "{:<34}", "")?;
        for _ in &self.kernels {
            write!(f, "{:>11}{:>9}", "step", "item")?;
        }
        if self.kernels.len() == 2 {
            write!(f, "{:>7}", "")?;
        }
        for (name, width) in [
            ("gets", 8),
            ("keys", 8),
            ("scans", 8),
            ("bytes", 9),
            ("fuel", 9),
        ] {
            write!(f, "{name:>width$}")?;
        }
        writeln!(f)?;
        for phase in &self.phases {
            writeln!(f, "{}", phase.row())?;
        }
        for note in &self.notes {
            writeln!(f, "{note}")?;
        }
        Ok(())
    }
}
