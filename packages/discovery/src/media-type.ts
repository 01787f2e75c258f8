/** The media types of metadata and key sets. HTML or plain text could be a file that a user uploaded. @see protocol §10 */
export const documentTypes: readonly string[] = ['application/json', 'application/jwk-set+json']

/** Tells whether a `Content-Type` is one of `mediaTypes` (in lower case), with or without parameters. */
export function isOneOf(mediaTypes: readonly string[], contentType: string): boolean {
  const [mediaType = ''] = contentType.split(';', 1)
  const named = mediaType.toLowerCase()
  return mediaTypes.some(type => named.startsWith(type) && /^[ \t]*$/.test(named.slice(type.length)))
}
