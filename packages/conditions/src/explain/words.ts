import type { DataCondition, OperationWords, ResourceMetadata } from '@countersign/protocol'
import type { Messages } from '../messages/en.js'
import { placeOf } from './place.js'
import { oneLine, quoted } from './wording.js'

/** What a resource calls its scopes, purposes, operations and data views: its metadata, or a part of it. @see protocol §9.1 */
export type Words = Partial<
  Pick<ResourceMetadata, 'resource' | 'scope_descriptions' | 'purposes' | 'operations' | 'data_views'>
>

/** The descriptions of names; a name that has none is quoted. */
export function described(
  names: readonly string[],
  words: Readonly<Record<string, OperationWords>> = {},
  messages: Messages,
): string[] {
  return [...new Set(names)].map(name => {
    // A name may be that of a member of every object, such as `constructor`.
    const word = Object.hasOwn(words, name) ? words[name] : undefined
    const description = oneLine((typeof word === 'string' ? word : word?.description) ?? '')
    return description === '' ? quoted(name, messages) : description
  })
}

/** The parts of an answer: data views whose fields are all there, and the pointers that none of these has. */
export function partsOf({ fields }: DataCondition, words: Words, messages: Messages): string[] {
  const views = Object.values(words.data_views ?? {}).filter(
    view => oneLine(view.description) !== '' && view.fields.length > 0 && view.fields.every(at => fields.includes(at)),
  )
  const others = fields.filter(at => !views.some(view => view.fields.includes(at)))
  return [...views.map(view => oneLine(view.description)), ...new Set(others.map(at => placeOf(at, messages)))]
}
