//! Real `causeway` processes, on loopback, each with a data directory of its own.

use std::net::TcpListener;
use std::ops::Range;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::client::Client;

/// How long a workspace may take to answer its first ping: it may have to compile the kernel first.
const START_DEADLINE: Duration = Duration::from_secs(300);

/// Ports for workspaces: below those that systems assign to outgoing connections.
const PORTS: Range<u16> = 10_000..30_000;

/// A running workspace. Dropping it kills the process, as a power cut would.
pub struct Workspace {
    /// Name, for messages.
    pub name: String,
    /// Data directory.
    pub data: PathBuf,
    /// Port on 127.0.0.1.
    pub port: u16,
    /// From the start of the process to its first answer.
    pub started_in: Duration,
    environment: Vec<(String, String)>,
    child: Child,
}

/// A named value from the operating system's statistics of a process's memory, in bytes.
fn memory_bytes(process: u32, name: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with(name));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kib.unwrap_or("0").parse::<u64>()? * 1024)
}

/// Runs a command to its end and returns its peak resident memory, in bytes, as seen by repeated
/// sampling.
///
/// # Errors
/// If it cannot be run, or fails.
pub fn peak_bytes(command: &mut Command) -> Result<u64> {
    let mut child = command.spawn()?;
    let mut peak = 0;
    loop {
        // Nothing can be read of a process that has just ended.
        peak = memory_bytes(child.id(), "VmHWM:").map_or(peak, |now| now.max(peak));
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "{command:?} ended with {status}");
            return Ok(peak);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The service's binary, in the folder of the running test or tool or in its parent.
pub fn binary() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let found = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|dir| dir.join("causeway"));
    for path in found {
        if path.is_file() {
            return Ok(path);
        }
    }
    bail!("the `causeway` binary is not built; run `make build`")
}

/// A port that is free now and will not be assigned to an outgoing connection before it is used.
pub fn free_port() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Processes that run at the same time start far apart.
    let begin = std::process::id().wrapping_mul(64);
    for _ in PORTS {
        let offset = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed).into());
        let port = PORTS.start + u16::try_from(offset % u32::from(PORTS.end - PORTS.start))?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port of {PORTS:?} is free")
}

/// What a shell does before it becomes the service: it limits the size of files to so many blocks, so
/// that writing beyond that is an error, as on a full disk.
const LIMITED: &str = "trap '' XFSZ; ulimit -S -f \"$0\"; exec \"$@\"";
/// Bytes of a block of that limit.
const BLOCK_BYTES: u64 = 512;

fn spawn(
    data: &Path,
    port: u16,
    environment: &[(String, String)],
    file_bytes_max: Option<u64>,
) -> Result<Child> {
    std::fs::create_dir_all(data)?;
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(data.join("log"))?;
    let mut command = match file_bytes_max {
        None => Command::new(binary()?),
        Some(bytes) => {
            let mut shell = Command::new("sh");
            let blocks = (bytes / BLOCK_BYTES).to_string();
            shell.args(["-c", LIMITED, &blocks]).arg(binary()?);
            shell
        }
    };
    command
        .arg("serve")
        .arg("--data")
        .arg(data)
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .env("CAUSEWAY_SITE_URL", format!("http://127.0.0.1:{port}"))
        .env("CAUSEWAY_ALLOW_PRIVATE_TARGETS", "true")
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        // A Ctrl-C in the terminal is for the parent process, which ends the service in an orderly way.
        .process_group(0)
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("starting the service")
}

impl Workspace {
    /// Starts the service and waits until it answers.
    pub async fn start(name: &str, data: &Path, port: u16) -> Result<Workspace> {
        Workspace::start_with(name, data, port, &[]).await
    }

    /// Starts the service with additional environment variables. `CAUSEWAY_SITE_URL` sets a site URL other
    /// than that of the port.
    pub async fn start_with(
        name: &str,
        data: &Path,
        port: u16,
        environment: &[(&str, &str)],
    ) -> Result<Workspace> {
        let owned = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
        let environment = environment.iter().map(owned).collect();
        Workspace::start_in(name, data, port, environment, None).await
    }

    /// Starts the service with a limit on the bytes of a file, as on a full disk.
    pub async fn start_with_files_up_to(
        name: &str,
        data: &Path,
        port: u16,
        bytes: u64,
    ) -> Result<Workspace> {
        Workspace::start_in(name, data, port, Vec::new(), Some(bytes)).await
    }

    async fn start_in(
        name: &str,
        data: &Path,
        port: u16,
        environment: Vec<(String, String)>,
        file_bytes_max: Option<u64>,
    ) -> Result<Workspace> {
        let begun = Instant::now();
        let mut workspace = Workspace {
            name: name.to_string(),
            data: data.to_path_buf(),
            port,
            started_in: Duration::ZERO,
            child: spawn(data, port, &environment, file_bytes_max)?,
            environment,
        };
        workspace.wait_until_up(begun).await?;
        Ok(workspace)
    }

    /// Kills the process, like a power cut (`kill -9`), and leaves it down.
    pub fn crash(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts the service again on the same data, after [`Workspace::crash`].
    pub async fn start_again(&mut self) -> Result<()> {
        let begun = Instant::now();
        self.child = spawn(&self.data, self.port, &self.environment, None)?;
        self.wait_until_up(begun).await
    }

    /// Lets the running service write again.
    pub fn lift_limit(&self) -> Result<()> {
        let status = Command::new("prlimit")
            .args(["--pid", &self.child.id().to_string(), "--fsize=unlimited"])
            .status()?;
        if !status.success() {
            bail!("the limit cannot be lifted: {status}");
        }
        Ok(())
    }

    async fn wait_until_up(&mut self, begun: Instant) -> Result<()> {
        let client = self.client();
        while begun.elapsed() < START_DEADLINE {
            if let Some(status) = self.child.try_wait()? {
                let log = std::fs::read_to_string(self.data.join("log")).unwrap_or_default();
                let last = log.lines().last().unwrap_or_default();
                bail!("{} ended with {status} at its start: {last}", self.name);
            }
            if client.get("/system/ping").await.is_ok() {
                self.started_in = begun.elapsed();
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        bail!("{} did not answer within {START_DEADLINE:?}", self.name)
    }

    /// The site URL.
    #[must_use]
    pub fn site_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A client without a session.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&self.site_url())
    }

    /// Resident memory, in bytes.
    pub fn resident_bytes(&self) -> Result<u64> {
        memory_bytes(self.child.id(), "VmRSS:")
    }

    /// The highest resident memory so far, in bytes.
    pub fn peak_resident_bytes(&self) -> Result<u64> {
        memory_bytes(self.child.id(), "VmHWM:")
    }

    /// Kills the process, like a power cut (`kill -9`).
    pub fn kill(mut self) -> Result<PathBuf> {
        self.crash()?;
        Ok(self.data.clone())
    }

    /// Has the process read its configuration file again.
    pub fn hang_up(&self) -> Result<()> {
        self.signal("HUP")
    }

    fn signal(&self, name: &str) -> Result<()> {
        // The shell's own `kill`: a small system has no program with this name.
        let kill = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status()?;
        ensure!(status.success(), "{kill}: {status}");
        Ok(())
    }

    /// Asks the process to end and waits for its orderly shutdown.
    pub async fn stop(mut self) -> Result<PathBuf> {
        self.signal("TERM")?;
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if begun.elapsed() > START_DEADLINE {
                bail!(
                    "{} did not end within {START_DEADLINE:?} of SIGTERM",
                    self.name
                );
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        if !status.success() {
            bail!("{} ended with {status} after SIGTERM", self.name);
        }
        Ok(self.data.clone())
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // The process may have ended already; there is nobody to report it to.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
