use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where an export goes: standard output, or a file that gets its name once it is complete.
pub(super) enum Destination {
    StandardOutput(io::Stdout),
    File {
        /// None once it is complete.
        partial: Option<File>,
        path: PathBuf,
        force: bool,
    },
}

/// Why a file cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum DestinationError {
    #[error("the file {} exists; pass --force to replace it", .0.display())]
    Exists(PathBuf),
    #[error("cannot create {}", .path.display())]
    Create { path: PathBuf, source: io::Error },
    #[error("cannot complete {}", .path.display())]
    Complete { path: PathBuf, source: io::Error },
}

impl Destination {
    /// Opens `path` for writing; `-` is standard output.
    ///
    /// # Errors
    /// `Exists` unless `force`; `Create`.
    pub(super) fn open(path: &Path, force: bool) -> Result<Self, DestinationError> {
        if path == Path::new("-") {
            return Ok(Self::StandardOutput(io::stdout()));
        }
        refuse_existing(path, force)?;
        let partial = partial(path);
        let file =
            File::create(&partial).map_err(|source| DestinationError::Create { path: partial, source })?;
        Ok(Self::File { partial: Some(file), path: path.to_owned(), force })
    }

    /// Completes the export; returns the path of the file, if it is one.
    ///
    /// # Errors
    /// `Exists` where the file was created meanwhile and is not to be replaced; `Complete`.
    pub(super) fn finish(mut self) -> Result<Option<PathBuf>, DestinationError> {
        match &mut self {
            Self::StandardOutput(output) => output
                .flush()
                .map(|()| None)
                .map_err(|source| DestinationError::Complete { path: "-".into(), source }),
            Self::File { partial: file, path, force } => {
                let failed = |source| DestinationError::Complete { path: path.clone(), source };
                if let Some(file) = file.as_ref() {
                    file.sync_all().map_err(failed)?;
                }
                refuse_existing(path, *force)?;
                fs::rename(partial(path), &*path).map_err(failed)?;
                *file = None;
                Ok(Some(path.clone()))
            }
        }
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::StandardOutput(output) => output.write(bytes),
            Self::File { partial: Some(file), .. } => file.write(bytes),
            Self::File { partial: None, .. } => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::StandardOutput(output) => output.flush(),
            Self::File { .. } => Ok(()),
        }
    }
}

impl Drop for Destination {
    /// Removes a file that is not complete.
    fn drop(&mut self) {
        if let Self::File { partial: Some(_), path, .. } = self {
            // It is replaced by the next export to the same path.
            let _ = fs::remove_file(partial(path));
        }
    }
}

fn refuse_existing(path: &Path, force: bool) -> Result<(), DestinationError> {
    if !force && path.exists() { Err(DestinationError::Exists(path.to_owned())) } else { Ok(()) }
}

/// The path of the file while it is not complete.
fn partial(path: &Path) -> PathBuf {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    partial.into()
}
