//! The directory of a zip archive (APPNOTE.TXT 6.3, 4.3), read strictly: where readers of zip archives could disagree,
//! the archive is refused.

use std::collections::HashMap;

use crate::pytorch::PytorchError;
use crate::pytorch::error::shown;
use crate::stored_tensor::ReadAt;

/// The most bytes of an archive's directory: some hundred for each storage.
const MAX_DIRECTORY_BYTES: u64 = 8 << 20;

const LOCAL_HEADER: (u32, usize) = (0x0403_4b50, 30);
const ENTRY: (u32, usize) = (0x0201_4b50, 46);
const END: (u32, usize) = (0x0605_4b50, 22);
const END_64: (u32, usize) = (0x0606_4b50, 56);
const END_64_LOCATOR: (u32, usize) = (0x0706_4b50, 20);

/// The files of an archive by their names inside its one folder.
pub(super) struct Directory {
    entries: HashMap<String, Entry>,
}

/// A file of an archive, stored without compression.
pub(super) struct Entry {
    pub(super) name: String,
    /// The position of the first byte.
    pub(super) start: u64,
    pub(super) size: u64,
    pub(super) crc: u32,
}

impl Directory {
    pub(super) fn read(file: &dyn ReadAt) -> Result<Self, PytorchError> {
        let Bounds { start, size, count } = Bounds::read(file)?;
        let mut bytes = vec![0; size as usize];
        file.read_exact_at(&mut bytes, start)?;
        let mut rest = &bytes[..];
        let mut headers = Vec::new();
        while !rest.is_empty() {
            headers.push(Header::parse(&mut rest).ok_or(damaged("an entry of its directory is not valid"))??);
        }
        if headers.len() as u64 != count {
            return Err(damaged("its directory has another length than it says"));
        }
        let folder =
            headers.first().and_then(|header| header.name.split_once('/')).map_or("", |(first, _)| first);
        headers_in(file, start, &headers, folder)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }
}

/// Locates the content of each entry. Names are unique and below `folder`; no two entries share a byte.
fn headers_in(
    file: &dyn ReadAt,
    end: u64,
    headers: &[Header<'_>],
    folder: &str,
) -> Result<Directory, PytorchError> {
    let mut order: Vec<_> = headers.iter().collect();
    order.sort_unstable_by_key(|header| header.position);
    let ends = order.iter().skip(1).map(|next| next.position).chain([end]);
    let mut entries = HashMap::with_capacity(headers.len());
    for (header, end) in order.iter().zip(ends) {
        let refused = |what| PytorchError::Entry { name: shown(header.name.as_bytes()), what };
        let inside = header.name.strip_prefix(folder).and_then(|name| name.strip_prefix('/'));
        let inside = inside.filter(|name| name.split('/').all(|part| !matches!(part, "" | "." | "..")));
        let inside = inside.ok_or_else(|| refused("is not in the folder of the others"))?;
        let start = header.content(file)?.ok_or_else(|| refused("is not where the directory says"))?;
        if start.checked_add(header.size).is_none_or(|content_end| content_end > end) {
            return Err(refused("overlaps what follows"));
        }
        let entry = Entry { name: header.name.to_owned(), start, size: header.size, crc: header.crc };
        if entries.insert(inside.to_owned(), entry).is_some() {
            return Err(refused("is there twice"));
        }
    }
    Ok(Directory { entries })
}

/// The place of the directory.
struct Bounds {
    start: u64,
    size: u64,
    count: u64,
}

impl Bounds {
    /// Reads the end of the archive. It must be the end of the file: PyTorch writes no comment.
    fn read(file: &dyn ReadAt) -> Result<Self, PytorchError> {
        let end = record::<{ END.1 }>(file, file.size()?.checked_sub(END.1 as u64), END.0)?;
        let Some((position, end)) = end else { return Err(damaged("its end is missing")) };
        let short = Self {
            start: u32_at(&end, 16).into(),
            size: u32_at(&end, 12).into(),
            count: u16_at(&end, 10).into(),
        };
        let locator = record::<{ END_64_LOCATOR.1 }>(
            file,
            position.checked_sub(END_64_LOCATOR.1 as u64),
            END_64_LOCATOR.0,
        )?;
        let (bounds, bounds_end) = match locator {
            None => (short, position),
            Some((_, locator)) => {
                let place = u64_at(&locator, 8);
                let long = record::<{ END_64.1 }>(file, Some(place), END_64.0)?;
                let Some((_, long)) = long else { return Err(damaged("its directory is not where it says")) };
                let long =
                    Self { start: u64_at(&long, 48), size: u64_at(&long, 40), count: u64_at(&long, 32) };
                (long, place)
            }
        };
        if bounds.size > MAX_DIRECTORY_BYTES {
            return Err(damaged("its directory is too large"));
        }
        if bounds.start.checked_add(bounds.size) != Some(bounds_end) {
            return Err(damaged("its directory is not where it says"));
        }
        Ok(bounds)
    }
}

/// Reads `N` bytes at `position` and returns both; `None` where they are not in the file or do not begin with
/// `signature`.
fn record<const N: usize>(
    file: &dyn ReadAt,
    position: Option<u64>,
    signature: u32,
) -> Result<Option<(u64, [u8; N])>, PytorchError> {
    let Some(position) = position else { return Ok(None) };
    if position.checked_add(N as u64).is_none_or(|end| file.size().is_ok_and(|size| end > size)) {
        return Ok(None);
    }
    let mut bytes = [0; N];
    file.read_exact_at(&mut bytes, position)?;
    Ok((u32_at(&bytes, 0) == signature).then_some((position, bytes)))
}

/// An entry of the directory.
struct Header<'a> {
    name: &'a str,
    /// The position of the header before the content.
    position: u64,
    size: u64,
    crc: u32,
}

impl<'a> Header<'a> {
    /// Takes an entry off `bytes`. `None` where it is not valid.
    fn parse(bytes: &mut &'a [u8]) -> Option<Result<Self, PytorchError>> {
        let (fixed, rest) = bytes.split_at_checked(ENTRY.1)?;
        let (name, rest) = rest.split_at_checked(u16_at(fixed, 28).into())?;
        let (extra, rest) = rest.split_at_checked(u16_at(fixed, 30).into())?;
        let (_comment, rest) = rest.split_at_checked(u16_at(fixed, 32).into())?;
        *bytes = rest;
        let name = str::from_utf8(name).ok()?;
        let [size, stored_size, position] = sizes([24, 20, 42].map(|place| u32_at(fixed, place)), extra)?;
        let is_encrypted = u16_at(fixed, 8) & 1 != 0;
        if u32_at(fixed, 0) != ENTRY.0 || is_encrypted {
            return None;
        }
        if u16_at(fixed, 10) != 0 || size != stored_size {
            return Some(Err(PytorchError::Compressed { name: shown(name.as_bytes()) }));
        }
        Some(Ok(Self { name, position, size, crc: u32_at(fixed, 16) }))
    }

    /// The position of the content, behind a header with the same name; `None` where there is no such header.
    fn content(&self, file: &dyn ReadAt) -> Result<Option<u64>, PytorchError> {
        let Some((_, header)) = record::<{ LOCAL_HEADER.1 }>(file, Some(self.position), LOCAL_HEADER.0)?
        else {
            return Ok(None);
        };
        let [name, extra] = [26, 28].map(|place| u64::from(u16_at(&header, place)));
        let mut own_name = vec![0; name as usize];
        let name_start = self.position + LOCAL_HEADER.1 as u64;
        file.read_exact_at(&mut own_name, name_start)?;
        Ok((own_name == self.name.as_bytes()).then_some(name_start + name + extra))
    }
}

/// Replaces each number that has all bits set by the next of the zip64 field of `extra`. `None` where it is missing.
fn sizes(short: [u32; 3], mut extra: &[u8]) -> Option<[u64; 3]> {
    let mut long: &[u8] = &[];
    while let Some((head, rest)) = extra.split_at_checked(4) {
        let (field, rest) = rest.split_at_checked(u16_at(head, 2).into())?;
        if u16_at(head, 0) == 1 {
            long = field;
        }
        extra = rest;
    }
    let mut sizes = [0; 3];
    for (size, short) in sizes.iter_mut().zip(short) {
        *size = if short == u32::MAX {
            let (number, rest) = long.split_at_checked(8)?;
            long = rest;
            u64_at(number, 0)
        } else {
            short.into()
        };
    }
    Some(sizes)
}

fn damaged(what: &'static str) -> PytorchError {
    PytorchError::Archive(what)
}

/// The little-endian number at `place`, which must be inside `bytes`.
fn u16_at(bytes: &[u8], place: usize) -> u16 {
    array_at(bytes, place).map_or(0, u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], place: usize) -> u32 {
    array_at(bytes, place).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], place: usize) -> u64 {
    array_at(bytes, place).map_or(0, u64::from_le_bytes)
}

fn array_at<const N: usize>(bytes: &[u8], place: usize) -> Option<[u8; N]> {
    bytes.get(place..)?.first_chunk().copied()
}
