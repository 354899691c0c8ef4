//! Birth dates as they were written, right or not.

/// A date as written: year, month, day, zero where nothing is known. A month of 86 stays one: what was typed wrong is
/// still like what was meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Written {
    pub(crate) year: u16,
    pub(crate) month: u8,
    pub(crate) day: u8,
}

/// How two written dates stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// The same day.
    Same,
    /// Day and month changed places.
    Exchanged,
    /// One digit, or two neighbouring ones exchanged.
    Slip,
    /// Two of year, month and day are the same, the third is quite another.
    TwoParts,
    /// One of them says no more than the year (or year and month), and it is the same.
    AsFarAsKnown,
    /// The same year.
    Year,
    /// A generation apart: 14 to 50 years.
    Generation,
    /// Less than that.
    Differ,
}

impl Written {
    /// Reads `1980-03-07`, `19800307`, `07/03/1980`, `1980-03` and `1980`; a time after the date is left out. `None`
    /// for anything else.
    pub(crate) fn parse(text: &str) -> Option<Written> {
        let text = text.trim();
        if text.len() > 40 || !text.is_ascii() {
            return None;
        }
        let text = text.split(['T', ' ']).next().unwrap_or_default();
        let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
        let number = |s: &str| -> Option<u16> {
            (!s.is_empty() && s.len() <= 4 && s.bytes().all(|b| b.is_ascii_digit()))
                .then(|| s.parse().ok())
                .flatten()
        };
        let small = |s: &str| number(s).and_then(|n| u8::try_from(n).ok());
        let date = match parts.as_slice() {
            [whole] if whole.len() == 8 => (
                number(&whole[..4])?,
                small(&whole[4..6])?,
                small(&whole[6..])?,
            ),
            [year] if year.len() == 4 => (number(year)?, 0, 0),
            [year, month] if year.len() == 4 => (number(year)?, small(month)?, 0),
            [year, month, day] if year.len() == 4 => (number(year)?, small(month)?, small(day)?),
            [day, month, year] if year.len() == 4 => (number(year)?, small(month)?, small(day)?),
            _ => return None,
        };
        let (year, month, day) = date;
        (year > 0).then_some(Written { year, month, day })
    }
    pub(crate) fn is_whole(self) -> bool {
        self.month > 0 && self.day > 0
    }
    /// One number for both of a date and its exchange of day and month.
    pub(crate) fn either_way(self) -> u32 {
        let (low, high) = (self.day.min(self.month), self.day.max(self.month));
        u32::from(self.year) << 16 | u32::from(low) << 8 | u32::from(high)
    }
    pub(crate) fn packed(self) -> u32 {
        u32::from(self.year) << 16 | u32::from(self.month) << 8 | u32::from(self.day)
    }
    pub(crate) fn unpack(packed: u32) -> Option<Written> {
        let [a, b, month, day] = packed.to_be_bytes();
        (packed != 0).then_some(Written {
            year: u16::from_be_bytes([a, b]),
            month,
            day,
        })
    }
    fn digits(self) -> [u8; 8] {
        let y = self.year;
        let digit = |n: u16| (n % 10) as u8;
        [
            digit(y / 1000),
            digit(y / 100),
            digit(y / 10),
            digit(y),
            self.month / 10,
            self.month % 10,
            self.day / 10,
            self.day % 10,
        ]
    }
    /// How two dates stand to each other; symmetric.
    pub(crate) fn agreement(self, other: Written) -> Agreement {
        let year = self.year == other.year;
        if !self.is_whole() || !other.is_whole() {
            let months = self.month == other.month || self.month == 0 || other.month == 0;
            return match (year, months) {
                (true, true) => Agreement::AsFarAsKnown,
                (true, false) => Agreement::Year,
                _ => Agreement::Differ,
            };
        }
        let (month, day) = (self.month == other.month, self.day == other.day);
        if year && month && day {
            return Agreement::Same;
        }
        if year && self.month == other.day && self.day == other.month {
            return Agreement::Exchanged;
        }
        let (a, b) = (self.digits(), other.digits());
        let mut wrong = (0..8).filter(|&i| a[i] != b[i]);
        let slip = match (wrong.next(), wrong.next(), wrong.next()) {
            (Some(_), None, _) => true,
            (Some(i), Some(j), None) => j == i + 1 && a[i] == b[j] && a[j] == b[i],
            _ => false,
        };
        match (slip, u8::from(year) + u8::from(month) + u8::from(day), year) {
            (true, ..) => Agreement::Slip,
            (_, 2, _) => Agreement::TwoParts,
            (.., true) => Agreement::Year,
            _ if (14..=50).contains(&self.year.abs_diff(other.year)) => Agreement::Generation,
            _ => Agreement::Differ,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreement(a: &str, b: &str) -> Agreement {
        let (a, b) = (Written::parse(a).unwrap(), Written::parse(b).unwrap());
        assert_eq!(a.agreement(b), b.agreement(a));
        a.agreement(b)
    }
    #[test]
    fn the_forms_that_files_have_are_read() {
        let wanted = Written {
            year: 1980,
            month: 3,
            day: 7,
        };
        for text in [
            "1980-03-07",
            "19800307",
            "07/03/1980",
            " 1980-03-07T00:00:00Z",
            "7.3.1980",
        ] {
            assert_eq!(Written::parse(text), Some(wanted), "{text}");
        }
        for text in [
            "",
            "ayer",
            "-0050-01-0",
            "800307",
            "1980-0a-07",
            "99999-01-01",
            "٣/٤/١٩٨٠",
        ] {
            assert_eq!(Written::parse(text), None, "{text}");
        }
        assert_eq!(Written::unpack(wanted.packed()), Some(wanted));
    }
    #[test]
    fn slips_are_told_from_differences() {
        for (a, b, wanted) in [
            ("1980-03-07", "1980-03-07", Agreement::Same),
            ("1980-03-07", "1980-07-03", Agreement::Exchanged),
            ("1980-03-07", "1980-03-01", Agreement::Slip),
            ("1980-03-07", "1908-03-07", Agreement::Slip),
            ("1856-06-18", "1856-86-18", Agreement::Slip),
            ("1980-03-07", "1980-03-21", Agreement::TwoParts),
            ("1980-03-07", "1980", Agreement::AsFarAsKnown),
            ("1980-03-07", "1980-04", Agreement::Year),
            ("1980-03-07", "1980-11-25", Agreement::Year),
            ("1980-03-07", "1991-11-25", Agreement::Differ),
            ("1980-03-07", "2003-11-25", Agreement::Generation),
        ] {
            assert_eq!(agreement(a, b), wanted, "{a} {b}");
        }
    }
}
