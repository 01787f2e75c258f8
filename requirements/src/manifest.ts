import type { AttackCase } from './cases/attack-case.js'
import { coveredCases, digestCases, timeCases } from './cases/covered.js'
import { approvalCases, delegationCases } from './cases/delegation.js'
import { agentCases, discoveryCases, rateCases } from './cases/discovery.js'
import { exchangeCases } from './cases/exchange.js'
import { faultCases } from './cases/faults.js'
import { keyCases, replayCases, schemeCases } from './cases/keys.js'
import { exhaustionCases, logCases } from './cases/operation.js'
import { accountCases, revocationCases } from './cases/revocation.js'
import { signatureCases } from './cases/signature.js'
import { tokenEndpointCases } from './cases/token-endpoint.js'
import { agentTokenCases, authTokenCases, jwtCases, resourceTokenCases } from './cases/tokens.js'
import { consentCases, interactionCases } from './cases/user.js'
import { accountClauses } from './clauses/account.js'
import { authServerClauses } from './clauses/auth-server.js'
import { botClauses } from './clauses/bots.js'
import { chainClauses } from './clauses/chain.js'
import { challengeClauses } from './clauses/challenge.js'
import { coveredClauses } from './clauses/covered.js'
import { discoveryClauses } from './clauses/discovery.js'
import { errorClauses } from './clauses/errors.js'
import { mcpClauses } from './clauses/mcp.js'
import { participantClauses } from './clauses/participants.js'
import { policyClauses } from './clauses/policy.js'
import { revocationClauses } from './clauses/revocation.js'
import { signatureClauses } from './clauses/signature.js'
import { tokenClauses } from './clauses/tokens.js'
import type { Requirement } from './requirement.js'

const clauses: readonly Requirement[] = [
  ...participantClauses,
  ...signatureClauses,
  ...coveredClauses,
  ...botClauses,
  ...challengeClauses,
  ...tokenClauses,
  ...authServerClauses,
  ...revocationClauses,
  ...accountClauses,
  ...chainClauses,
  ...errorClauses,
  ...policyClauses,
  ...discoveryClauses,
  ...mcpClauses,
]

const cases: readonly AttackCase[] = [
  ...signatureCases,
  ...coveredCases,
  ...digestCases,
  ...timeCases,
  ...keyCases,
  ...schemeCases,
  ...replayCases,
  ...jwtCases,
  ...agentTokenCases,
  ...resourceTokenCases,
  ...authTokenCases,
  ...discoveryCases,
  ...tokenEndpointCases,
  ...consentCases,
  ...interactionCases,
  ...exchangeCases,
  ...agentCases,
  ...rateCases,
  ...logCases,
  ...exhaustionCases,
  ...faultCases,
  ...revocationCases,
  ...accountCases,
  ...delegationCases,
  ...approvalCases,
]

const sections: ReadonlyMap<string, string> = new Map(clauses.map(clause => [clause.id, clause.section]))

function withSection(attack: AttackCase): Requirement {
  const section = sections.get(attack.clause)
  if (section === undefined)
    throw new TypeError(`${attack.id} attacks the clause ${attack.clause}, which does not exist`)
  return { ...attack, section }
}

/** Every requirement, once: the clauses in the order of docs/protocol.md, then the cases of the attack catalogue. */
export const requirements: readonly Requirement[] = [...clauses, ...cases.map(withSection)]
