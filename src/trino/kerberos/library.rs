//! MIT's Kerberos library, loaded when Kerberos is chosen: the connector starts without it.
//!
//! This file wraps its functions in safe ones. [`Session`] owns everything that the library has
//! allocated for it.

use std::ffi::{CStr, CString, c_uint};
use std::ptr::{null, null_mut};
use std::time::Duration;

use super::functions::{
    AS_GIVEN, Creds, DO_SEQUENCE, Data, Functions, GSS_CHECKSUM, Handle, RESOLVED, USE_SUBKEY,
    functions,
};
use super::problem::{Failure, KerberosProblem};

/// What proves a client, as the library takes it.
pub(super) enum Key<'a> {
    /// The path of a keytab.
    Keytab(&'a str),
    /// A password.
    Password(&'a str),
}

/// A service that a ticket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service<'a> {
    /// A service, by its name, on a host.
    OnHost(&'a str, &'a str),
    /// A whole principal.
    Principal(&'a str),
}

/// A context of the library with the client's tickets. It may be used by one thread at a time.
pub(super) struct Session {
    functions: &'static Functions,
    context: Handle,
    /// The client and its tickets; null before the first login.
    client: Handle,
    cache: Handle,
    /// The ticket for the service; null before it was asked for.
    ticket: *mut Creds,
}

#[expect(unsafe_code, reason = "a context may move to another thread")]
// SAFETY: `krb5.h` allows a context to be used by any thread, but by one at a time, and all methods
// take `&mut self`. What else it points to belongs to the context.
unsafe impl Send for Session {}

#[expect(unsafe_code, reason = "calls of a C library")]
impl Session {
    /// A context with the configuration in the file `path`, or else with the system's.
    pub(super) fn open(path: Option<&str>) -> Result<Self, KerberosProblem> {
        let functions = functions()?;
        let mut context = null_mut();
        let code = match path {
            // SAFETY: the pointer is to a place for a pointer.
            None => unsafe { (functions.krb5_init_context)(&raw mut context) },
            Some(path) => {
                let path =
                    text(path).map_err(|failure| KerberosProblem::Configuration(failure.text))?;
                let mut profile = null_mut();
                // SAFETY: the path is a C string, and the pointer is to a place for a pointer.
                let code =
                    unsafe { (functions.profile_init_path)(path.as_ptr(), &raw mut profile) };
                match i32::try_from(code) {
                    // SAFETY: the profile was made by the library, and the context has a copy.
                    Ok(0) => unsafe {
                        let code =
                            (functions.krb5_init_context_profile)(profile, 0, &raw mut context);
                        (functions.profile_release)(profile);
                        code
                    },
                    Ok(code) => code,
                    Err(_) => -1,
                }
            }
        };
        if code != 0 {
            let text = message(functions, null_mut(), code);
            return Err(KerberosProblem::Configuration(text));
        }
        Ok(Self {
            functions,
            context,
            client: null_mut(),
            cache: null_mut(),
            ticket: null_mut(),
        })
    }

    /// Proves the client to the KDC. A session does that once.
    pub(super) fn log_in(&mut self, principal: &str, key: &Key<'_>) -> Result<(), Failure> {
        let f = self.functions;
        let principal = text(principal)?;
        // SAFETY: the context is ours, the texts are C strings, and each pointer is to a place for
        // what the function gives. `drop` gives back `client` and `cache`, also after an error.
        unsafe {
            let code = (f.krb5_parse_name)(self.context, principal.as_ptr(), &raw mut self.client);
            self.checked(code)?;
            let mut options = null_mut();
            self.checked((f.krb5_get_init_creds_opt_alloc)(
                self.context,
                &raw mut options,
            ))?;
            let mut creds: Creds = std::mem::zeroed();
            let code = self.initial_ticket(&mut creds, key, options);
            (f.krb5_get_init_creds_opt_free)(self.context, options);
            code?;
            let stored = self.store(&mut creds);
            (f.krb5_free_cred_contents)(self.context, &raw mut creds);
            stored
        }
    }

    /// # Safety
    ///
    /// `options` must be the library's.
    unsafe fn initial_ticket(
        &mut self,
        creds: &mut Creds,
        key: &Key<'_>,
        options: Handle,
    ) -> Result<(), Failure> {
        let f = self.functions;
        // SAFETY: as in `log_in`. Without a function that asks people, the library asks nobody.
        let code = unsafe {
            match key {
                Key::Password(password) => {
                    let password = text(password)?;
                    (f.krb5_get_init_creds_password)(
                        self.context,
                        creds,
                        self.client,
                        password.as_ptr(),
                        null_mut(),
                        null_mut(),
                        0,
                        null(),
                        options,
                    )
                }
                Key::Keytab(path) => {
                    let name = text(&format!("FILE:{path}"))?;
                    let mut keytab = null_mut();
                    let code = (f.krb5_kt_resolve)(self.context, name.as_ptr(), &raw mut keytab);
                    self.checked(code)?;
                    let code = (f.krb5_get_init_creds_keytab)(
                        self.context,
                        creds,
                        self.client,
                        keytab,
                        0,
                        null(),
                        options,
                    );
                    // Its text is of the last error, so it is asked for before the next call.
                    let result = self.checked(code);
                    (f.krb5_kt_close)(self.context, keytab);
                    return result;
                }
            }
        };
        self.checked(code)
    }

    /// Keeps the client's first ticket in a cache in memory.
    fn store(&mut self, creds: &mut Creds) -> Result<(), Failure> {
        let f = self.functions;
        // SAFETY: as in `log_in`; the cache copies the ticket.
        unsafe {
            let kind = c"MEMORY".as_ptr();
            let code = (f.krb5_cc_new_unique)(self.context, kind, null(), &raw mut self.cache);
            self.checked(code)?;
            self.checked((f.krb5_cc_initialize)(
                self.context,
                self.cache,
                self.client,
            ))?;
            self.checked((f.krb5_cc_store_cred)(self.context, self.cache, creds))
        }
    }

    /// The whole principal of a service. If it is `resolved`, the host's name is looked up first.
    pub(super) fn service_principal(
        &mut self,
        service: &Service<'_>,
        resolved: bool,
    ) -> Result<String, Failure> {
        let f = self.functions;
        let mut principal = null_mut();
        // SAFETY: the context is ours, the texts are C strings, the pointers are to places for
        // pointers, and what the library has made is given back to it.
        unsafe {
            let code = match service {
                Service::OnHost(service, host) => {
                    let (service, host) = (text(service)?, text(host)?);
                    let kind = if resolved { RESOLVED } else { AS_GIVEN };
                    (f.krb5_sname_to_principal)(
                        self.context,
                        host.as_ptr(),
                        service.as_ptr(),
                        kind,
                        &raw mut principal,
                    )
                }
                Service::Principal(whole) => {
                    let whole = text(whole)?;
                    (f.krb5_parse_name)(self.context, whole.as_ptr(), &raw mut principal)
                }
            };
            self.checked(code)?;
            let mut name = null_mut();
            let code = (f.krb5_unparse_name)(self.context, principal, &raw mut name);
            let result = self.checked(code);
            (f.krb5_free_principal)(self.context, principal);
            result?;
            let text = CStr::from_ptr(name).to_string_lossy().into_owned();
            (f.krb5_free_unparsed_name)(self.context, name);
            Ok(text)
        }
    }

    /// Asks for a ticket for a service; the result is how long it lives. A session does that once.
    pub(super) fn ask_for(&mut self, service: &str) -> Result<Duration, Failure> {
        let f = self.functions;
        let service = text(service)?;
        // SAFETY: as in `log_in`. Of what is asked for, only the client and the server are set;
        // the client stays ours, and the server is given back.
        unsafe {
            let mut wanted: Creds = std::mem::zeroed();
            wanted.client = self.client;
            let code = (f.krb5_parse_name)(self.context, service.as_ptr(), &raw mut wanted.server);
            self.checked(code)?;
            let code = (f.krb5_get_credentials)(
                self.context,
                0,
                self.cache,
                &raw mut wanted,
                &raw mut self.ticket,
            );
            let result = self.checked(code);
            (f.krb5_free_principal)(self.context, wanted.server);
            result?;
            let ticket = &*self.ticket;
            let begin = match ticket.starttime {
                0 => ticket.authtime,
                begin => begin,
            };
            // Both are of the KDC's clock. The difference is right beyond 2038, too.
            let life = ticket.endtime.wrapping_sub(begin);
            Ok(Duration::from_secs(life.max(0).unsigned_abs().into()))
        }
    }

    /// A new AP-REQ with the ticket of the service. Each may be used once.
    pub(super) fn ap_request(&mut self, checksum: &mut [u8]) -> Result<Vec<u8>, Failure> {
        let f = self.functions;
        if self.ticket.is_null() {
            return Err(Failure {
                code: 0,
                text: "there is no ticket".to_owned(),
            });
        }
        let mut checksum = Data {
            magic: 0,
            length: c_uint::try_from(checksum.len()).unwrap_or_default(),
            bytes: checksum.as_mut_ptr().cast(),
        };
        let mut request = Data {
            magic: 0,
            length: 0,
            bytes: null_mut(),
        };
        // SAFETY: as in `log_in`. The checksum is only read; the request is copied and given back.
        unsafe {
            let mut auth = null_mut();
            self.checked((f.krb5_auth_con_init)(self.context, &raw mut auth))?;
            (f.krb5_auth_con_setflags)(self.context, auth, DO_SEQUENCE);
            (f.krb5_auth_con_set_req_cksumtype)(self.context, auth, GSS_CHECKSUM);
            let code = (f.krb5_mk_req_extended)(
                self.context,
                &raw mut auth,
                USE_SUBKEY,
                &raw mut checksum,
                self.ticket,
                &raw mut request,
            );
            let result = self.checked(code);
            (f.krb5_auth_con_free)(self.context, auth);
            result?;
            let bytes =
                std::slice::from_raw_parts(request.bytes.cast::<u8>(), request.length as usize);
            let bytes = bytes.to_vec();
            (f.krb5_free_data_contents)(self.context, &raw mut request);
            Ok(bytes)
        }
    }

    fn checked(&self, code: i32) -> Result<(), Failure> {
        match code {
            0 => Ok(()),
            code => Err(Failure {
                code,
                text: message(self.functions, self.context, code),
            }),
        }
    }
}

#[expect(unsafe_code, reason = "a call of a C library")]
impl Drop for Session {
    fn drop(&mut self) {
        let f = self.functions;
        // SAFETY: the library has made them all, and nothing of them is used any more.
        unsafe {
            if !self.ticket.is_null() {
                (f.krb5_free_creds)(self.context, self.ticket);
            }
            if !self.cache.is_null() {
                (f.krb5_cc_destroy)(self.context, self.cache);
            }
            if !self.client.is_null() {
                (f.krb5_free_principal)(self.context, self.client);
            }
            (f.krb5_free_context)(self.context);
        }
    }
}

/// The library's text for an error.
#[expect(unsafe_code, reason = "calls of a C library")]
fn message(functions: &Functions, context: Handle, code: i32) -> String {
    // SAFETY: the library takes a null context here, and gives a C string that it takes back.
    unsafe {
        let text = (functions.krb5_get_error_message)(context, code);
        if text.is_null() {
            return format!("error {code}");
        }
        let message = CStr::from_ptr(text).to_string_lossy().into_owned();
        (functions.krb5_free_error_message)(context, text);
        message
    }
}

/// A text as C has it.
fn text(text: &str) -> Result<CString, Failure> {
    CString::new(text).map_err(|_| Failure {
        code: 0,
        text: "a text has a NUL character".to_owned(),
    })
}
