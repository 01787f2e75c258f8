const essence = /^(?:application\/json|[\w!#$&^.+-]+\/[\w!#$&^.+-]+\+json)$/i

/**
 * The media type of JSON in UTF-8, without parameters; undefined for every other `Content-Type`, two of them included.
 * @param value the header, several lines joined by a comma
 * @see protocol §9
 */
export function jsonType(value: string | null | undefined): string | undefined {
  const [type = '', ...parameters] = (value ?? '').split(';').map(part => part.trim())
  if (!essence.test(type)) return undefined
  // A reader that believes another charset would see other characters than were judged.
  const charsets = parameters.filter(part => /^charset[ \t]*=/i.test(part))
  return charsets.every(part => /^charset="?utf-8"?$/i.test(part)) ? type : undefined
}
