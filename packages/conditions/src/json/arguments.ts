import type { ArgumentsCondition } from '@countersign/protocol'
import { type Place, placesOf } from './place.js'
import { type JsonNode, readRequestJson } from './read.js'
import { type RulePlace, rulesOf } from './rules.js'

/**
 * Whether the body of a request meets conditions of type `arguments`, each by itself. It must be one JSON text in UTF-8, without byte
 * order mark, without a member that stands twice, in another case neither, and at most 64 deep; every leaf of it, `[]` and `{}` too, must lie at or beneath some
 * `at`; and where a rule has a matcher, its `at` names at least one value and each of them meets it.
 * @param conditions those that are about this resource and operation; without one, every body meets them
 * @see protocol §9
 * @example
 * ```ts
 * import { type ArgumentsCondition, meetsArguments } from '@countersign/conditions'
 *
 * const toBob: ArgumentsCondition = {
 *   type: 'arguments',
 *   resource: 'https://mail.example',
 *   of: 'send',
 *   where: [{ at: '/to', in: ['bob'] }, { at: '/text' }],
 * }
 * const bodyOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
 * meetsArguments([toBob], bodyOf({ to: 'bob', text: 'hello' })) // true
 * meetsArguments([toBob], bodyOf({ to: 'bob', text: 'hello', bcc: 'eve' })) // false
 * ```
 */
export function meetsArguments(conditions: readonly ArgumentsCondition[], body: Uint8Array): boolean {
  if (conditions.length === 0) return true
  const json = read(body)
  if (json === undefined) return false
  const lists = conditions.map(({ where }) => where)
  const { root, areAllMet } = rulesOf(lists.flat())
  const covers = placesOf(lists.map(rules => rules.map(({ at }) => at)))
  // One walk for all: a token may hold a hundred rules, and the body a million characters.
  return isMet(json.root, { covers, rules: root, text: json.text }) && areAllMet()
}

type Json = ReturnType<typeof readRequestJson>

function read(body: Uint8Array): Json | undefined {
  try {
    return readRequestJson(body)
  } catch {
    return undefined
  }
}

/** What conditions say of one value. */
interface Asked {
  readonly covers: Place
  readonly rules: RulePlace
  readonly text: string
}

function isMet(node: JsonNode, { covers, rules, text }: Asked): boolean {
  // Else a `bcc` goes along.
  if (covers.kind === 'none' || !rules.meets(node, text)) return false
  if (covers.kind === 'whole' && rules.isLast) return true
  if (node.kind === 'object')
    return (
      (covers.kind === 'whole' || node.members.length > 0) &&
      node.members.every(({ name, value }) =>
        isMet(value, { covers: covers.member(name), rules: rules.below(name), text }),
      )
    )
  if (node.kind === 'array')
    return (
      (covers.kind === 'whole' || node.elements.length > 0) &&
      node.elements.every((element, index) =>
        isMet(element, { covers: covers.element(index), rules: rules.below(String(index)), text }),
      )
    )
  return covers.kind === 'whole'
}
