use std::path::{Path, PathBuf};
use std::{fs, io, process};

use sqlx::Connection;

use crate::error::BackupError;
use crate::pool::Database;

/// Copies the database as of one instant to `file`, which must not exist, while other connections write.
///
/// The copy is made under another name beside `file`, flushed to the disk and then renamed, so that a file of that
/// name is always a complete backup.
pub(crate) async fn back_up(database: &Database, file: &Path) -> Result<(), BackupError> {
    refuse_existing(file)?;
    let name = file.file_name().ok_or_else(|| BackupError::NoFile(file.to_owned()))?;
    let mut partial_name = name.to_owned();
    partial_name.push(format!(".{}.partial", process::id()));
    let partial = file.with_file_name(partial_name);
    let made = match copy(database, &partial).await {
        Ok(()) => move_into_place(&partial, file),
        Err(error) => Err(error),
    };
    if made.is_err() {
        // The error of the copy is reported, whether its remains can be removed or not.
        let _ = fs::remove_file(&partial);
    }
    made
}

async fn copy(database: &Database, partial: &Path) -> Result<(), BackupError> {
    let name = partial.to_str().ok_or_else(|| BackupError::NoFile(partial.to_owned()))?;
    let mut connection = database.writing().await.map_err(BackupError::Copy)?;
    let copied = sqlx::query("VACUUM INTO ?1").bind(name).execute(&mut connection).await;
    copied.map_err(BackupError::Copy)?;
    connection.close().await.map_err(BackupError::Copy)
}

fn move_into_place(partial: &Path, file: &Path) -> Result<(), BackupError> {
    fs::File::open(partial).and_then(|copy| copy.sync_all()).map_err(BackupError::File)?;
    refuse_existing(file)?;
    fs::rename(partial, file).map_err(BackupError::File)?;
    flush_folder(file).map_err(BackupError::File)
}

fn refuse_existing(file: &Path) -> Result<(), BackupError> {
    match file.symlink_metadata() {
        Ok(_) => Err(BackupError::Exists(file.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(BackupError::File(error)),
    }
}

/// Makes the new name durable, on systems where a folder can be opened for that.
fn flush_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_owned);
    if cfg!(unix) { fs::File::open(folder)?.sync_all() } else { Ok(()) }
}
