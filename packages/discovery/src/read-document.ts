import { offPage, parseJson, refusal } from '@countersign/protocol/internal'
import type { FetchedDocument } from './fetcher.js'
import { documentTypes, isOneOf } from './media-type.js'
import { Unreachable } from './unreachable.js'

/** Bytes a metadata document may have, after decoding. @see protocol §10 */
export const maxMetadataBytes: number = 64 * 1024
/** Bytes a JWKS may have, after decoding. @see protocol §10 */
export const maxJwksBytes: number = 256 * 1024

/**
 * Parses the JSON of a fetched document.
 * @throws Unreachable when the host says that it is busy or broken
 * @throws AAuthError `discovery_failed` when there is no document, or no valid one; the message never repeats fetched text
 */
export function readDocument(
  document: FetchedDocument,
  maxBytes: number,
  mediaTypes: readonly string[] = documentTypes,
): unknown {
  const { status, contentType, body } = document
  if (status >= 500 || status === 429 || status === 408) throw new Unreachable('busy or broken', { cause: { status } })
  // A redirect counts as no document: the owner of its target must not speak for the host.
  if (status !== 200) throw refusal('document_missing', { cause: { status } })
  if (!isOneOf(mediaTypes, contentType))
    throw refusal('document_malformed', { about: offPage && 'its media type', cause: { contentType } })
  if (body.length > maxBytes) throw refusal('document_too_large', { cause: { bytes: body.length, maxBytes } })
  try {
    return parseJson(body, { maxBytes })
  } catch (cause) {
    throw refusal('document_malformed', { about: offPage && 'its JSON', cause })
  }
}
