// All kinds of vectors, each a file.
import { authTokens } from './auth-tokens.mjs'
import { botDirectories, botRequests } from './bots.mjs'
import { conditionArguments, conditionData } from './condition-json.mjs'
import { conditionLists, conditions, narrowedConditions } from './conditions.mjs'
import { interactionCodes, operationDigests, redirectUris } from './consent.mjs'
import { keyProofs } from './key-proofs.mjs'
import { mcpRequests } from './mcp-requests.mjs'
import { challengeKind, contentDigests, signatureKeys } from './messages.mjs'
import { formKind, identifierKind, purposeKind, scopeKind } from './names.mjs'
import { revocationNotices } from './notices.mjs'
import { jwksKind, metadataKind, publicKeys } from './published.mjs'
import { refusals } from './refusals.mjs'
import { signatureBases } from './signature-bases.mjs'
import { signedRequests } from './signed-requests.mjs'
import { tokenAnswers } from './token-answers.mjs'
import { agentTokens, resourceTokens } from './tokens.mjs'

export function kinds() {
  return [
    ...[agentTokens(), authTokens(), botDirectories(), botRequests(), challengeKind(), conditionArguments()],
    ...[conditionData(), conditionLists(), conditions(), contentDigests(), formKind(), identifierKind()],
    ...[interactionCodes(), jwksKind(), keyProofs(), mcpRequests(), metadataKind(), narrowedConditions()],
    ...[operationDigests(), publicKeys(), purposeKind(), redirectUris(), refusals(), resourceTokens()],
    ...[revocationNotices(), scopeKind(), signatureBases(), signatureKeys(), signedRequests(), tokenAnswers()],
  ]
}
