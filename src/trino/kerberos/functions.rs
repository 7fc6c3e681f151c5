//! The few functions of MIT's Kerberos library that are used, as `krb5.h` declares them, and their
//! values.

use std::ffi::{c_char, c_long, c_uint, c_void};
use std::sync::OnceLock;

use libloading::Library;

use super::problem::KerberosProblem;

/// Its name on Linux, since 2006.
const NAME: &str = "libkrb5.so.3";

/// A pointer to what only the library knows.
pub(super) type Handle = *mut c_void;

/// `krb5_data`.
#[repr(C)]
pub(super) struct Data {
    pub(super) magic: i32,
    pub(super) length: c_uint,
    pub(super) bytes: *mut c_char,
}

/// `krb5_keyblock`.
#[repr(C)]
pub(super) struct Keyblock {
    pub(super) magic: i32,
    pub(super) enctype: i32,
    pub(super) length: c_uint,
    pub(super) contents: *mut u8,
}

/// `krb5_creds`, a ticket with its key.
#[repr(C)]
pub(super) struct Creds {
    pub(super) magic: i32,
    pub(super) client: Handle,
    pub(super) server: Handle,
    pub(super) key: Keyblock,
    pub(super) authtime: i32,
    pub(super) starttime: i32,
    pub(super) endtime: i32,
    pub(super) renew_till: i32,
    pub(super) is_skey: c_uint,
    pub(super) ticket_flags: i32,
    pub(super) addresses: Handle,
    pub(super) ticket: Data,
    pub(super) second_ticket: Data,
    pub(super) authdata: Handle,
}

/// `KRB5_NT_UNKNOWN`: the host name is taken as it is.
pub(super) const AS_GIVEN: i32 = 0;

/// `KRB5_NT_SRV_HST`: the host name is resolved first, as `krb5.conf` says.
pub(super) const RESOLVED: i32 = 3;

/// The checksum of GSS-API (RFC 4121, 4.1.1).
pub(super) const GSS_CHECKSUM: i32 = 0x8003;

/// `AP_OPTS_USE_SUBKEY`.
pub(super) const USE_SUBKEY: i32 = 1;

/// `KRB5_AUTH_CONTEXT_DO_SEQUENCE`.
pub(super) const DO_SEQUENCE: i32 = 4;

macro_rules! functions {
    ($($name:ident: fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// The functions of the library.
        pub(super) struct Functions {
            $(pub(super) $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
            /// Keeps the library loaded.
            _library: Library,
        }

        impl Functions {
            #[expect(unsafe_code, reason = "functions of a C library")]
            fn load() -> Result<Self, String> {
                // SAFETY: the library of this name is MIT's, whose initialisation has no
                // conditions.
                let library = unsafe { Library::new(NAME) }.map_err(|error| error.to_string())?;
                Ok(Self {
                    $(
                        // SAFETY: the type is that of `krb5.h`, which has not changed since 2006.
                        $name: *unsafe { library.get(stringify!($name).as_bytes()) }
                            .map_err(|error| error.to_string())?,
                    )*
                    _library: library,
                })
            }
        }
    };
}

functions! {
    profile_init_path: fn(*const c_char, *mut Handle) -> c_long;
    profile_release: fn(Handle);
    krb5_init_context: fn(*mut Handle) -> i32;
    krb5_init_context_profile: fn(Handle, i32, *mut Handle) -> i32;
    krb5_free_context: fn(Handle);
    krb5_get_error_message: fn(Handle, i32) -> *const c_char;
    krb5_free_error_message: fn(Handle, *const c_char);
    krb5_parse_name: fn(Handle, *const c_char, *mut Handle) -> i32;
    krb5_unparse_name: fn(Handle, Handle, *mut *mut c_char) -> i32;
    krb5_free_unparsed_name: fn(Handle, *mut c_char);
    krb5_sname_to_principal: fn(Handle, *const c_char, *const c_char, i32, *mut Handle) -> i32;
    krb5_free_principal: fn(Handle, Handle);
    krb5_kt_resolve: fn(Handle, *const c_char, *mut Handle) -> i32;
    krb5_kt_close: fn(Handle, Handle) -> i32;
    krb5_get_init_creds_opt_alloc: fn(Handle, *mut Handle) -> i32;
    krb5_get_init_creds_opt_free: fn(Handle, Handle);
    krb5_get_init_creds_keytab: fn(Handle, *mut Creds, Handle, Handle, i32, *const c_char, Handle) -> i32;
    krb5_get_init_creds_password: fn(Handle, *mut Creds, Handle, *const c_char, Handle, Handle, i32, *const c_char, Handle) -> i32;
    krb5_free_cred_contents: fn(Handle, *mut Creds);
    krb5_free_creds: fn(Handle, *mut Creds);
    krb5_cc_new_unique: fn(Handle, *const c_char, *const c_char, *mut Handle) -> i32;
    krb5_cc_initialize: fn(Handle, Handle, Handle) -> i32;
    krb5_cc_store_cred: fn(Handle, Handle, *mut Creds) -> i32;
    krb5_cc_destroy: fn(Handle, Handle) -> i32;
    krb5_get_credentials: fn(Handle, i32, Handle, *mut Creds, *mut *mut Creds) -> i32;
    krb5_auth_con_init: fn(Handle, *mut Handle) -> i32;
    krb5_auth_con_setflags: fn(Handle, Handle, i32) -> i32;
    krb5_auth_con_set_req_cksumtype: fn(Handle, Handle, i32) -> i32;
    krb5_auth_con_free: fn(Handle, Handle) -> i32;
    krb5_mk_req_extended: fn(Handle, *mut Handle, i32, *mut Data, *mut Creds, *mut Data) -> i32;
    krb5_free_data_contents: fn(Handle, *mut Data);
}

/// The library; an error that it cannot be loaded is asked for again each time.
pub(super) fn functions() -> Result<&'static Functions, KerberosProblem> {
    static FUNCTIONS: OnceLock<Functions> = OnceLock::new();
    if let Some(functions) = FUNCTIONS.get() {
        return Ok(functions);
    }
    if cfg!(target_feature = "crt-static") {
        return Err(KerberosProblem::Static);
    }
    let functions = Functions::load().map_err(KerberosProblem::Library)?;
    Ok(FUNCTIONS.get_or_init(|| functions))
}
