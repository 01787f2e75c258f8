import { nearestName } from '@countersign/protocol'

/** What has names that rules say. Resources have none: a server may have any number of them, by templates. */
export type NamedKind = 'tool' | 'prompt'

/** Something that goes by the rule for all others while rules name others: one of these may be a slip of its name. */
export interface Doubt {
  readonly kind: NamedKind
  /** Names that rules say. */
  readonly rules: readonly string[]
}

/** Lists the names that a server has, as its caller sees them. */
export type ListNames = (kind: NamedKind) => Promise<readonly string[]>

/** Which rules are known to be for something that is there. */
export interface NameProof {
  /**
   * Resolves once each rule was seen to be for something that the server has. Until then nothing goes by the rule for all
   * others: under `send_mail: authorized` and `*: identified`, the tool `send_email` would be anybody's.
   * @throws TypeError that says which rule is for nothing, and what was probably meant
   */
  prove(doubt: Doubt | undefined, list: ListNames): Promise<void>
}

/** Nothing is known yet. */
export function nameProof(): NameProof {
  const proven: Readonly<Record<NamedKind, Set<string>>> = { tool: new Set(), prompt: new Set() }
  return {
    async prove(doubt, list) {
      if (doubt === undefined) return
      const { kind, rules } = doubt
      const isProven = (rule: string): boolean => proven[kind].has(rule)
      if (rules.every(isProven)) return
      const names = await list(kind)
      // Bounded by the rules, whatever a server lists.
      for (const rule of rules) if (names.includes(rule)) proven[kind].add(rule)
      const missing = rules.find(rule => !isProven(rule))
      if (missing !== undefined) throw unmatched(kind, missing, names)
    },
  }
}

function unmatched(kind: NamedKind, rule: string, names: readonly string[]): TypeError {
  const meant = nearestName(rule, names)
  const more = meant === undefined ? '' : `; did you mean '${meant}'?`
  return new TypeError(
    `a rule is for the ${kind} '${rule}', which the server does not have${more} (the option 'optional' lists what comes later, or not for every caller)`,
  )
}

const methods = { tool: ['tools/list', 'tools'], prompt: ['prompts/list', 'prompts'] } as const
/** Pages of one list. */
const mostPages = 100

/** Sends a request to the server, and gives its result; undefined where it has none. */
export type Ask = (method: string, params: object) => Promise<Readonly<Record<string, unknown>> | undefined>

/** Lists names page by page. @throws TypeError for a list without end */
export async function listNames(kind: NamedKind, ask: Ask): Promise<string[]> {
  const [method, member] = methods[kind]
  const names: string[] = []
  let cursor: unknown
  for (let page = 0; page < mostPages; page++) {
    const result = await ask(method, cursor === undefined ? {} : { cursor })
    const listed = result?.[member]
    if (Array.isArray(listed)) names.push(...listed.map(one => String(Object(one).name)))
    cursor = result?.['nextCursor']
    if (cursor === undefined) return names
  }
  throw new TypeError(`the server lists its ${member} on more than ${mostPages} pages`)
}
