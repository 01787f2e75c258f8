import type { ListedAttack } from './contract.js'
import type { FlowAttack } from './flow-attack.js'
import type { MessageAttack } from './message-attack.js'
import { messageAttacks } from './message-attacks.js'
import { headings, rules } from './rules.js'
import { signatureAttacks } from './signature-attacks.js'
import { tokenAttacks } from './token-attacks.js'
import { tokenFlows } from './token-flows.js'
import { userFlows } from './user-flows.js'

/** An attack of either kind. */
export type Attack = MessageAttack | FlowAttack

/** Every attack, in the order of the scoreboard. */
export const allAttacks: readonly Attack[] = [
  ...messageAttacks,
  ...signatureAttacks,
  ...tokenAttacks,
  ...tokenFlows,
  ...userFlows,
]

/** What an attack is, in words. */
export function infoOf({ name, title, tries, kind, onMessage }: Attack): ListedAttack {
  const [clause = '', section = ''] = rules[name] ?? []
  return { name, title, tries, kind, onMessage, clause, heading: headings[section] ?? '' }
}
