const json = /^application\/(?:jwk-set\+)?json[ \t]*(?:;|$)/i

/**
 * Tells whether a `Content-Type` is one that metadata and key sets may have: `application/json` or
 * `application/jwk-set+json`, with or without parameters. HTML or plain text may be anybody's upload.
 * @see protocol.md §10
 */
export function isDocumentType(contentType: string): boolean {
  return json.test(contentType)
}
