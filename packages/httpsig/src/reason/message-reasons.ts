import type { MessageReason, ReasonEntry } from './reason.js'

const codes = ['invalid_request'] as const

/** Refusals of a message before its signature is looked at. */
export const messageReasons: Readonly<Record<MessageReason, ReasonEntry>> = {
  request_cut_off: {
    codes,
    meaning: 'The connection ended before the whole request had arrived.',
    fix: 'Send the request again, and its whole body.',
    clause: 'sig.body.bytes',
  },
  body_unreadable: {
    codes,
    meaning: 'The body could not be read from the connection.',
    fix: 'Send the request again.',
    clause: 'sig.body.bytes',
  },
  body_too_large: {
    codes,
    status: 413,
    meaning: 'The body is larger than this endpoint accepts, or arrives in more small chunks than its limit allows.',
    fix: 'Send a smaller body, in chunks of some KiB.',
    clause: 'error.body-too-large',
  },
  body_compressed: {
    codes,
    status: 415,
    meaning: 'The body has a content coding that this endpoint does not accept.',
    fix: 'Send the body without Content-Encoding.',
    clause: 'error.media-type',
  },
  body_not_shown: {
    codes,
    meaning:
      'The request has a body that the platform of the verifier does not hand over, as with GET in the Fetch API.',
    fix: 'Send no body with this method.',
    clause: 'sig.body.bytes',
  },
  body_framing_invalid: {
    codes,
    meaning: 'Content-Length or Transfer-Encoding is malformed, repeated, or both are present.',
    fix: 'Send exactly one of Content-Length and Transfer-Encoding: chunked.',
    clause: 'sig.body.bytes',
  },
  header_lines_too_many: {
    codes,
    status: 431,
    meaning: 'The request has so many header lines that the platform may have dropped some.',
    fix: 'Send fewer header lines.',
    clause: 'sig.body.whole-head',
  },
  header_too_long: {
    codes: ['invalid_request', 'invalid_signature'],
    status: 431,
    meaning: 'A header, or all headers together, are longer than the limit.',
    fix: 'Shorten the header, or cover fewer components.',
    clause: 'limits.before-parsing',
  },
  header_value_invalid: {
    codes,
    meaning: 'A header value holds NUL, CR or LF.',
    fix: 'Send header values in printable ASCII.',
    clause: 'sig.target.form',
  },
  authority_ambiguous: {
    codes,
    meaning: 'Host is missing or repeated, or differs from :authority.',
    fix: 'Send exactly one Host that agrees with :authority.',
    clause: 'sig.target.h2',
  },
  authority_not_served: {
    codes,
    status: 421,
    meaning: 'The request is for an authority that this verifier does not serve.',
    fix: "Send the request to the participant's own host; its operator lists the authorities served.",
    clause: 'sig.authority.several',
  },
  target_malformed: {
    codes,
    meaning: 'The request target is not in origin form, or has dot segments, empty segments or bad percent escapes.',
    fix: 'Send a path in ASCII that starts with one slash and has no dot segments or empty segments.',
    clause: 'sig.target.form',
  },
  method_malformed: {
    codes,
    meaning: 'The method is not a plain token in upper case, or a header overrides it.',
    fix: 'Send the method in upper case and without an override header.',
    clause: 'sig.method.upper-case',
  },
}
