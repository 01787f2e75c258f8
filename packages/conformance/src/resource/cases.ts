import type { Case } from '../case/case.js'
import { agentDocumentCases } from './agent-document-cases.js'
import { agentMetadataCases } from './agent-metadata-cases.js'
import { agentTokenCases, tokenTypeCases } from './agent-token-cases.js'
import { answerCases } from './answer-cases.js'
import { approvalCases } from './approval-cases.js'
import { approvalDigestCases } from './approval-digest-cases.js'
import { approvalShownCases } from './approval-shown-cases.js'
import { approvalUseCases } from './approval-use-cases.js'
import { argumentCases } from './argument-cases.js'
import { authTokenCases } from './auth-token-cases.js'
import { bodyCases } from './body-cases.js'
import { boundCases } from './bound-cases.js'
import { callCountCases } from './call-count-cases.js'
import { challengeCases } from './challenge-cases.js'
import { componentsCases } from './components-cases.js'
import { conditionCases } from './condition-cases.js'
import { conditionFormCases } from './condition-form-cases.js'
import { contentCases } from './content-cases.js'
import { coveredCases } from './covered-cases.js'
import { delegationCases } from './delegation-cases.js'
import { digestCases } from './digest-cases.js'
import { discoveryCases } from './discovery-cases.js'
import { endpointCases } from './endpoint-cases.js'
import { faultCases } from './fault-cases.js'
import { jwtCases } from './jwt-cases.js'
import { keyCases } from './key-cases.js'
import { lastingCases } from './lasting-cases.js'
import { levelCases } from './level-cases.js'
import { limitCases } from './limit-cases.js'
import { mcpCases } from './mcp-cases.js'
import { mcpSessionCases } from './mcp-session-cases.js'
import { mcpStreamCases } from './mcp-stream-cases.js'
import { mcpSubjectCases } from './mcp-subject-cases.js'
import { metadataCases } from './metadata-cases.js'
import { middleCases } from './middle-cases.js'
import { middlePageCases } from './middle-page-cases.js'
import { oauthCases } from './oauth-cases.js'
import { otherMembersCases } from './other-members-cases.js'
import { projectionCases } from './projection-cases.js'
import { replayCases } from './replay-cases.js'
import { revocationCases } from './revocation-cases.js'
import { routeCases } from './route-cases.js'
import { schemeCases } from './scheme-cases.js'
import { signatureCases } from './signature-cases.js'
import type { ResourceStage } from './stage.js'
import { statelessContinuedCases } from './stateless-continued-cases.js'
import { statelessMcpCases } from './stateless-mcp-cases.js'
import { targetCases } from './target-cases.js'
import { timeCases } from './time-cases.js'
import { tokenClaimCases } from './token-claim-cases.js'

/** All cases of a resource, group by group. */
export const resourceCases: readonly Case<ResourceStage>[] = [
  ...levelCases,
  ...signatureCases,
  ...otherMembersCases,
  ...faultCases,
  ...coveredCases,
  ...componentsCases,
  ...targetCases,
  ...digestCases,
  ...bodyCases,
  ...timeCases,
  ...keyCases,
  ...schemeCases,
  ...tokenTypeCases,
  ...jwtCases,
  ...tokenClaimCases,
  ...agentTokenCases,
  ...authTokenCases,
  ...challengeCases,
  ...replayCases,
  ...agentDocumentCases,
  ...agentMetadataCases,
  ...discoveryCases,
  ...metadataCases,
  ...endpointCases,
  ...revocationCases,
  ...boundCases,
  ...routeCases,
  ...conditionFormCases,
  ...conditionCases,
  ...delegationCases,
  ...callCountCases,
  ...contentCases,
  ...projectionCases,
  ...argumentCases,
  ...approvalCases,
  ...approvalDigestCases,
  ...approvalShownCases,
  ...approvalUseCases,
  ...middleCases,
  ...middlePageCases,
  ...oauthCases,
  ...mcpCases,
  ...mcpSessionCases,
  ...mcpStreamCases,
  ...mcpSubjectCases,
  ...statelessMcpCases,
  ...statelessContinuedCases,
  ...lastingCases,
  ...limitCases,
  // Looks at all that has been answered.
  ...answerCases,
]
