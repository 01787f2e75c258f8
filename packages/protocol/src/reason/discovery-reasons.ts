import type { ReasonEntry } from '@countersign/httpsig/reasons'
import type { DiscoveryReason } from './reason.js'

const codes = ['discovery_failed'] as const

/** Refusals because of a participant's metadata or keys. */
export const discoveryReasons: Readonly<Record<DiscoveryReason, ReasonEntry>> = {
  identifier_malformed: {
    codes,
    meaning: 'The identifier is not an https origin in canonical form.',
    fix: 'Write the identifier as https://host, in lower case, without path and default port.',
    clause: 'id.canonical',
  },
  address_not_allowed: {
    codes,
    meaning: 'The document is at an address that must not be fetched.',
    fix: 'Publish the document at a public https address.',
    clause: 'discovery.guarded',
  },
  participant_unreachable: {
    codes,
    meaning: 'A participant that is needed does not answer, or too many documents are being fetched already.',
    fix: 'See that its well-known documents can be reached from the internet.',
    clause: 'discovery.deadline',
  },
  document_missing: {
    codes,
    meaning: 'The participant does not publish the document.',
    fix: 'Publish the document at its well-known address.',
    clause: 'id.metadata.location',
  },
  document_too_large: {
    codes,
    meaning: 'The document is too large, or has an encoding that was not requested.',
    fix: 'Publish a smaller document, without Content-Encoding.',
    clause: 'discovery.sizes',
  },
  document_malformed: {
    codes,
    meaning: 'The document is not JSON of the required form.',
    fix: 'Publish the document as protocol §5 and §6 describe.',
    clause: 'discovery.media-type',
  },
  document_of_another: {
    codes,
    meaning: 'The document names another participant than the one that it was fetched for.',
    fix: 'Publish the document under its own identifier.',
    clause: 'id.metadata.self',
  },
  jwks_malformed: {
    codes,
    meaning: 'The key set is not a JWKS, is empty, or has the kid twice.',
    fix: 'Publish a JWKS with unique kids.',
    clause: 'discovery.duplicate-kid',
  },
  fetches_exceeded: {
    codes,
    meaning: 'The request would cause more fetches than one request may.',
    fix: 'Send the request again; documents fetched before are cached.',
    clause: 'discovery.budget',
  },
}
