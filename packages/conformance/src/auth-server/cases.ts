import type { Case, Needs } from '../case/case.js'
import { documentCases } from '../endpoint/document-cases.js'
import { signedBodyCases, signedEndpointCases } from '../endpoint/signature-cases.js'
import { accountCases } from './account-cases.js'
import { approvalCases } from './approval-cases.js'
import { approvalErrorCases } from './approval-error-cases.js'
import { approvalExchangeCases } from './approval-exchange-cases.js'
import { codeCases } from './code-cases.js'
import { conditionCases } from './condition-cases.js'
import { consentCases } from './consent-cases.js'
import { demandedCases } from './demanded-cases.js'
import { deviceCases } from './device-cases.js'
import { exchangeCases } from './exchange-cases.js'
import { exchangeConditionCases } from './exchange-condition-cases.js'
import { forgeryCases } from './forgery-cases.js'
import { formCases } from './form-cases.js'
import { grantCases } from './grant-cases.js'
import { inboxCases } from './inbox-cases.js'
import { lateYesCases } from './late-yes-cases.js'
import { linkCases } from './link-cases.js'
import { mandateCases } from './mandate-cases.js'
import { noticeCases } from './notice-cases.js'
import { pageCases } from './page-cases.js'
import { policyCases } from './policy-cases.js'
import { refreshCases } from './refresh-cases.js'
import { signInCases } from './sign-in-cases.js'
import type { AuthServerStage } from './stage.js'

/** What cases can need of an auth server. */
export const authServerNeeds: Needs<AuthServerStage> = {
  consent: ({ configuration }) =>
    configuration.consentScope === undefined ? 'consentScope is not declared' : undefined,
  conditions: ({ metadata }) =>
    Array.isArray(metadata['constraints_supported']) ? undefined : 'the metadata have no constraints_supported',
  exchange: ({ configuration }) =>
    configuration.exchangeScope === undefined ? 'exchangeScope is not declared' : undefined,
  grave: ({ configuration }) => (configuration.graveScope === undefined ? 'graveScope is not declared' : undefined),
  'sign-in': ({ configuration }) => (configuration.signIn ? undefined : 'signIn is not declared'),
  'device-flow': ({ configuration, user }) =>
    configuration.deviceFlow
      ? user?.takesCodes === false
        ? 'user types no code in'
        : undefined
      : 'deviceFlow is not declared',
  tabs: ({ user }) => (user?.opensTabs === true ? undefined : 'user opens no other page meanwhile: Chromium does'),
  chooses: ({ user }) =>
    user?.chooses === true ? undefined : 'user cannot allow all that a page offers: {choose} says so',
  waits: ({ user }) => (user?.waits === true ? undefined : 'user does not wait: {wait} says for how long'),
  'two-users': ({ user }) => (user?.hasOther === true ? undefined : 'user is only one'),
  approval: ({ metadata }) =>
    [metadata['constraints_supported']].flat().includes('approval')
      ? undefined
      : 'constraints_supported does not have approval',
  loopback: ({ scheme, configuration }) =>
    scheme === 'http' && configuration.participants.agentServer.id === undefined
      ? undefined
      : 'agents of only one case need an auth server in development mode',
  inbox: ({ user }) => (user?.inbox === undefined ? 'user.inbox is not declared' : undefined),
  account: ({ user }) => (user?.account === undefined ? 'user.account is not declared' : undefined),
  history: ({ user }) => (user?.history === undefined ? 'user.history is not declared' : undefined),
  narrows: ({ user }) => (user?.narrows === true ? undefined : 'user takes no single scope back: narrows says so'),
  stops: ({ user }) => (user?.stops === true ? undefined : 'user cannot tell an agent to stop asking: stops says so'),
  user: ({ user }) => (user === undefined ? 'user is not declared' : undefined),
}

/** All cases of an auth server, group by group. */
export const authServerCases: readonly Case<AuthServerStage>[] = [
  ...documentCases<AuthServerStage>({
    document: 'aauth-issuer',
    self: ['issuer'],
    clause: 'metadata.auth-server',
    words: 'For an auth server that is `issuer` alone',
    endpoints: ['agent_token_endpoint', 'agent_auth_endpoint', 'revocation_endpoint'],
  }),
  ...signedEndpointCases,
  ...signedBodyCases,
  ...grantCases,
  ...refreshCases,
  ...policyCases,
  ...conditionCases,
  ...exchangeCases,
  ...exchangeConditionCases,
  ...mandateCases,
  ...demandedCases,
  ...linkCases,
  ...consentCases,
  ...codeCases,
  ...pageCases,
  ...lateYesCases,
  ...forgeryCases,
  ...signInCases,
  ...deviceCases,
  ...approvalCases,
  ...approvalExchangeCases,
  ...accountCases,
  ...approvalErrorCases,
  ...inboxCases,
  ...noticeCases,
  // Looks at all that has been answered, too.
  ...formCases,
]
