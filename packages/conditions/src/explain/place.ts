import type { Messages } from '../messages/en.js'
import { quoted } from './wording.js'

/** A JSON pointer as a reader takes it: `/items/0/title` is “items › 0 › title”, and `*` every entry. */
export function placeOf(pointer: string, messages: Messages): string {
  if (pointer === '') return messages.place.whole
  const segments = pointer.split('/').slice(1)
  const names = segments.map(segment =>
    segment === '*' ? messages.place.every : segment.replaceAll('~1', '/').replaceAll('~0', '~'),
  )
  return quoted(names.join(' › '), messages)
}
