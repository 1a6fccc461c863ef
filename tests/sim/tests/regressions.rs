//! Plans that once broke a kernel, in `regressions/`: all keep every promise with the current
//! kernel. A plan that begins with `# must catch: <defect>` also shows that the kernel with that
//! defect is caught by it, by the responsible checker.

use std::path::Path;

use causeway_sim::broken::Defect;
use causeway_sim::kernel::native;
use causeway_sim::plan::Plan;
use causeway_sim::run_plan;

const PLANS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/regressions");
/// How the first line names a defect.
const MUST_CATCH: &str = "# must catch: ";

/// Reports what is wrong with a plan or with the kernel under it.
fn run(path: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let plan = Plan::parse(&text)?;
    run_plan(&plan, &native).map_err(|failure| failure.to_string())?;
    let first = text.lines().next().unwrap_or_default();
    let Some(name) = first.strip_prefix(MUST_CATCH) else {
        return Ok(());
    };
    let (defect, checkers) =
        Defect::named(name.trim()).ok_or_else(|| format!("no defect is called {name}"))?;
    match defect.run_plan(&plan) {
        Ok(_) => Err(format!("{name} is not caught")),
        Err(failure) if checkers.contains(&failure.violation.checker) => Ok(()),
        Err(failure) => Err(format!("{name} is caught, but by {}", failure.violation)),
    }
}

#[test]
fn what_once_broke_does_not_break_again() {
    let mut plans: Vec<_> = std::fs::read_dir(PLANS)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "plan"))
        .collect();
    plans.sort();
    assert!(!plans.is_empty(), "there is nothing in {PLANS}");
    let wrong: Vec<String> = plans
        .iter()
        .filter_map(|path| Some((path, run(path).err()?)))
        .map(|(path, told)| format!("{}: {told}", path.display()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
