//! Masks while it serialises: a serialiser that knows the name of the field it is in. The bytes
//! are postcard's; what is not a text goes through postcard unchanged.

use serde::ser::{self, Serialize};

use super::Mask;
use super::fields::{Field, Kind, Shape, of_field};

/// The masked bytes of a value; `None` when postcard does not know its like.
pub(super) fn encode<T: Serialize>(mask: &Mask, value: &T) -> Option<Vec<u8>> {
    let mut masking = Masking {
        mask,
        out: Vec::new(),
        field: Field::Text(Kind::Plain),
        octets: 0,
    };
    value.serialize(&mut masking).ok()?;
    Some(masking.out)
}

struct Masking<'m> {
    mask: &'m Mask,
    out: Vec<u8>,
    /// What the present field is; it holds for everything in it that is no structure of its own.
    field: Field,
    /// Values of type `u8` written so far.
    octets: usize,
}

type Done = Result<(), postcard::Error>;

impl Masking<'_> {
    /// What postcard makes of a value.
    fn plain<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.out = postcard::to_extend(value, std::mem::take(&mut self.out))?;
        Ok(())
    }

    /// A list's length; a `u64` has the bytes that a `usize` has.
    fn length(&mut self, length: Option<usize>) -> Done {
        let length = length.ok_or(postcard::Error::SerializeSeqLengthUnknown)?;
        self.plain(&(length as u64))
    }

    fn within<T: Serialize + ?Sized>(&mut self, field: Field, value: &T) -> Done {
        let outer = std::mem::replace(&mut self.field, field);
        value.serialize(&mut *self)?;
        self.field = outer;
        Ok(())
    }

    fn masked_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        match self.field {
            Field::Json(shape) => self.mask.json(bytes, shape),
            Field::Text(_) => self.mask.json(bytes, Shape::Message),
        }
    }
}

/// A list, tuple or structure on its way.
struct Parts<'a, 'm> {
    masking: &'a mut Masking<'m>,
    /// The type or variant whose fields these are.
    container: &'static str,
    outer: Field,
    /// Of a list: its length, where its first element begins, and octets written before it.
    list: Option<(usize, usize, usize)>,
}

impl<'a, 'm> Parts<'a, 'm> {
    fn new(masking: &'a mut Masking<'m>, container: &'static str) -> Parts<'a, 'm> {
        let outer = masking.field;
        Parts {
            masking,
            container,
            outer,
            list: None,
        }
    }

    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        value.serialize(&mut *self.masking)
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Done {
        self.masking.within(of_field(self.container, name), value)
    }

    /// A list that turns out to be one of bytes is masked as such.
    fn finish(self) -> Done {
        let masking = self.masking;
        if let Some((length, start, octets)) = self.list
            && masking.octets - octets == length
            && masking.out.len() - start == length
        {
            let bytes = masking.out.split_off(start);
            let masked = masking.masked_bytes(&bytes);
            masking.out.extend_from_slice(&masked);
        }
        masking.field = self.outer;
        Ok(())
    }
}

macro_rules! plain {
    ($($method:ident $type:ty,)*) => {$(
        fn $method(self, value: $type) -> Done {
            self.plain(&value)
        }
    )*};
}

impl<'a, 'm> ser::Serializer for &'a mut Masking<'m> {
    type Ok = ();
    type Error = postcard::Error;
    type SerializeSeq = Parts<'a, 'm>;
    type SerializeTuple = Parts<'a, 'm>;
    type SerializeTupleStruct = Parts<'a, 'm>;
    type SerializeTupleVariant = Parts<'a, 'm>;
    type SerializeMap = Parts<'a, 'm>;
    type SerializeStruct = Parts<'a, 'm>;
    type SerializeStructVariant = Parts<'a, 'm>;

    plain! {
        serialize_bool bool,
        serialize_i8 i8,
        serialize_i16 i16,
        serialize_i32 i32,
        serialize_i64 i64,
        serialize_u16 u16,
        serialize_u32 u32,
        serialize_u64 u64,
        serialize_f32 f32,
        serialize_f64 f64,
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_u8(self, value: u8) -> Done {
        self.octets += 1;
        self.plain(&value)
    }

    fn serialize_char(self, value: char) -> Done {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Done {
        let masked = match self.field {
            Field::Text(kind) => self.mask.of_kind(kind, value),
            Field::Json(shape) => self.mask.json_text(value, shape),
        };
        self.plain(&masked)
    }

    fn serialize_bytes(self, value: &[u8]) -> Done {
        let masked = self.masked_bytes(value);
        self.plain(&masked)
    }

    fn serialize_none(self) -> Done {
        self.plain(&false)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        self.plain(&true)?;
        value.serialize(self)
    }

    fn serialize_unit(self) -> Done {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Done {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Done {
        self.plain(&index)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Done {
        if name == "Id" {
            self.plain(value)
        } else {
            value.serialize(self)
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        self.plain(&index)?;
        self.within(of_field(name, variant), value)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Parts<'a, 'm>, postcard::Error> {
        self.length(length)?;
        let list = length.map(|length| (length, self.out.len(), self.octets));
        Ok(Parts {
            list,
            ..Parts::new(self, "")
        })
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'a, 'm>, postcard::Error> {
        Ok(Parts::new(self, ""))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _: usize,
    ) -> Result<Parts<'a, 'm>, postcard::Error> {
        Ok(Parts::new(self, name))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a, 'm>, postcard::Error> {
        self.plain(&index)?;
        let parts = Parts::new(self, name);
        parts.masking.field = of_field(name, variant);
        Ok(parts)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Parts<'a, 'm>, postcard::Error> {
        self.length(length)?;
        Ok(Parts::new(self, ""))
    }

    fn serialize_struct(
        self,
        name: &'static str,
        _: usize,
    ) -> Result<Parts<'a, 'm>, postcard::Error> {
        Ok(Parts::new(self, name))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a, 'm>, postcard::Error> {
        self.plain(&index)?;
        Ok(Parts::new(self, variant))
    }
}

macro_rules! lists {
    ($($trait:ident $method:ident,)*) => {$(
        impl ser::$trait for Parts<'_, '_> {
            type Ok = ();
            type Error = postcard::Error;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
                self.part(value)
            }
            fn end(self) -> Done {
                self.finish()
            }
        }
    )*};
}
lists! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

macro_rules! structures {
    ($($trait:ident,)*) => {$(
        impl ser::$trait for Parts<'_, '_> {
            type Ok = ();
            type Error = postcard::Error;
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Done {
                self.field(name, value)
            }
            fn end(self) -> Done {
                self.finish()
            }
        }
    )*};
}
structures! { SerializeStruct, SerializeStructVariant, }

impl ser::SerializeMap for Parts<'_, '_> {
    type Ok = ();
    type Error = postcard::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        self.part(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.part(value)
    }

    fn end(self) -> Done {
        self.finish()
    }
}
