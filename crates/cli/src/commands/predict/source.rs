use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::fd::AsFd;
use std::path::Path;

use super::input::{Input, InputError};
use super::{InputFormat, PredictArgs, PredictError, extension};
use crate::printable::printable;

/// Where the texts come from.
#[derive(Debug)]
pub(super) enum Source {
    /// The command line.
    Arguments,
    /// A file, by its name or as standard input.
    File(File),
    /// Standard input that is no file.
    Pipe,
    /// A person who types.
    Terminal,
}

impl Source {
    /// Opens the file, or finds out what standard input is.
    ///
    /// # Errors
    /// A file that cannot be opened.
    pub(super) fn open(args: &PredictArgs) -> Result<Self, PredictError> {
        if !args.texts.is_empty() {
            return Ok(Self::Arguments);
        }
        match args.file.as_deref().filter(|path| *path != Path::new("-")) {
            Some(path) => {
                let file = File::open(path);
                file.map(Self::File)
                    .map_err(|source| PredictError::OpenInput { path: path.to_owned(), source })
            }
            None if io::stdin().is_terminal() => Ok(Self::Terminal),
            None => Ok(regular_file(io::stdin()).map_or(Self::Pipe, Self::File)),
        }
    }

    /// Says on a terminal what a person may not expect: that texts are read from it, or that a text is a file's name.
    pub(super) fn explain(&self, args: &PredictArgs) {
        match (self, args.texts.as_slice()) {
            (Self::Terminal, _) if io::stderr().is_terminal() => {
                eprintln!("reading texts from the terminal, one a line; Ctrl-D ends");
            }
            (Self::Arguments, [text]) if io::stderr().is_terminal() && Path::new(text).is_file() => {
                let text = printable(text);
                eprintln!("note: {text} is classified as a text; to classify the file: --file {text}");
            }
            _ => {}
        }
    }

    /// Reads from here, as the arguments say.
    ///
    /// # Errors
    /// A header that cannot be read or lacks the text's column.
    pub(super) fn input(&self, args: &PredictArgs) -> Result<Input, InputError> {
        let format = args.input_format.unwrap_or_else(|| match extension(args.file.as_deref()) {
            Some("csv") => InputFormat::Csv,
            Some("jsonl" | "ndjson") => InputFormat::Jsonl,
            _ => InputFormat::Text,
        });
        let reader: Box<dyn Read + Send> = match self {
            Self::Arguments => return Ok(Input::of(&args.texts)),
            Self::File(file) => Box::new(file.try_clone().map_err(InputError::Lines)?),
            Self::Pipe | Self::Terminal => Box::new(io::stdin()),
        };
        Input::open(reader, format, &args.text_column)
    }

    /// The bytes of a file.
    pub(super) fn bytes(&self) -> Option<u64> {
        match self {
            Self::File(file) => {
                file.metadata().ok().map(|metadata| metadata.len()).filter(|bytes| *bytes > 0)
            }
            _ => None,
        }
    }

    /// Whether it is a file.
    pub(super) fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }
}

/// Whether standard output is a file.
pub(super) fn output_is_file() -> bool {
    regular_file(io::stdout()).is_some()
}

/// Returns the file that a stream is; none for a pipe, a terminal or a device.
fn regular_file(stream: impl AsFd) -> Option<File> {
    let file = File::from(stream.as_fd().try_clone_to_owned().ok()?);
    file.metadata().is_ok_and(|metadata| metadata.is_file()).then_some(file)
}
