import { projectJson } from '@countersign/resource/internal'

/**
 * The JSON text of a member within a message, with what the pointers let through, byte for byte; undefined where there is none, or
 * where a name on the way is written with escapes.
 * @param path plain names of members
 * @param lists the `fields` of each condition, within the member; default: the whole of it
 * @throws AAuthError for a message that is no JSON with one reading
 */
export function memberText(
  message: Uint8Array,
  path: readonly string[],
  lists: ReadonlyArray<readonly string[]> = [['']],
): string | undefined {
  const place = path.map(name => `/${name}`).join('')
  const text = new TextDecoder().decode(
    projectJson(
      message,
      lists.map(fields => fields.map(field => place + field)),
    ),
  )
  const before = path.map(name => `{"${name}":`).join('')
  const value = text.slice(before.length, text.length - path.length)
  return text.startsWith(before) && value !== '' ? value : undefined
}
