/** Whether a published document may have this media type. @see protocol §10 */
export function isDocumentType(contentType: string): boolean {
  return /^application\/(?:json|jwk-set\+json)\s*(?:;|$)/i.test(contentType)
}
