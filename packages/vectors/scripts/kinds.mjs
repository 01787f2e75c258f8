// All kinds of vectors, each a file.
import { authTokens } from './auth-tokens.mjs'
import { conditionArguments, conditionData } from './condition-json.mjs'
import { conditionLists, conditions, narrowedConditions } from './conditions.mjs'
import { interactionCodes, operationDigests, redirectUris } from './consent.mjs'
import { keyProofs } from './key-proofs.mjs'
import { challengeKind, contentDigests, signatureKeys } from './messages.mjs'
import { formKind, identifierKind, purposeKind, scopeKind } from './names.mjs'
import { jwksKind, metadataKind, publicKeys } from './published.mjs'
import { signatureBases } from './signature-bases.mjs'
import { signedRequests } from './signed-requests.mjs'
import { agentTokens, resourceTokens } from './tokens.mjs'

export function kinds() {
  return [
    ...[agentTokens(), authTokens(), challengeKind(), conditionArguments(), conditionData(), conditionLists()],
    ...[conditions(), contentDigests(), formKind(), identifierKind(), interactionCodes(), jwksKind(), keyProofs()],
    ...[metadataKind(), narrowedConditions(), operationDigests(), publicKeys(), purposeKind(), redirectUris()],
    ...[resourceTokens(), scopeKind(), signatureBases(), signatureKeys(), signedRequests()],
  ]
}
