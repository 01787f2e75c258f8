import { ordinary } from '@countersign/testing/auth/consent-page'
import { approvalPage } from './approval-page.js'
import { everyCall, everyDone, ordinaryApprovals, ordinaryCall } from './approval-page.test.fixture.js'
import { approvalsPage } from './approvals-page.js'
import { dataPage, deletedPage } from './data-page.js'
import type { Look } from './look.js'
import { newAccountPage } from './new-account-page.js'
import { type SignInWaysView, signInWaysPage } from './sign-in-ways-page.js'
import { verifyPage } from './verify-page.js'

const { csrf, user } = ordinary
const at = 1_767_225_600
const times = { created: at, last_used: at }

const ways: SignInWaysView = {
  csrf,
  user,
  waiting: 0,
  passkeys: [
    { credential_id: 'a', name: 'Key ring', backed_up: 0, ...times },
    { credential_id: 'b', name: 'Laptop', backed_up: 1, ...times },
  ],
  mostPasskeys: 20,
  addition: {},
  suggestedName: 'Firefox, Linux',
  identities: [
    { issuer: 'i', subject: 's1', name: 'Example', claims: '{"email":"ada@example.com"}', last_used: at },
    { issuer: 'i', subject: 's1', name: 'Example', claims: '{}', last_used: at },
  ],
  linkable: [{ id: 'example', name: 'Example' }],
  sessions: [
    { id: 'a', name: 'Firefox, Linux', by: undefined, created: at, lastUsed: at, isThis: true },
    { id: 'b', name: '', by: 'Example', created: at, lastUsed: at, isThis: false },
  ],
  history: (
    [
      ...(['account_created', 'signed_in', 'passkey_added', 'passkey_removed'] as const),
      ...(['passkey_copied', 'recovered', 'provider_linked', 'provider_unlinked'] as const),
    ] as const
  ).map(what => ({ at, what, about: 'Key ring', browser: 'Firefox, Linux' })),
  fresh: true,
}

const verification = {
  csrf,
  user,
  action: '/account/verify',
  fields: {},
  returnTo: '/account',
  here: '/account/verify',
}
const account = { host: 'auth.example', csrf, fields: {}, ceremony: {}, here: '/account/new' }

/** The pages of accounts, in each of their states. */
export const everyAccountPage: Readonly<Record<string, (look: Look) => string>> = {
  'ways to sign in': look => signInWaysPage(ways, look),
  'ways to sign in, to be verified': look => signInWaysPage({ ...ways, fresh: false }, look),
  'one way to sign in': look =>
    signInWaysPage({ ...ways, passkeys: ways.passkeys?.slice(0, 1), identities: [], linkable: [] }, look),
  'no passkey yet': look => signInWaysPage({ ...ways, passkeys: [] }, look),
  'new account': look => newAccountPage(account, look),
  'back into an account': look => newAccountPage({ ...account, recovers: 'Ada Lovelace' }, look),
  'verify by passkey': look => verifyPage({ ...verification, ways: { passkey: {}, providers: [] } }, look),
  'verify by a provider': look =>
    verifyPage({ ...verification, ways: { providers: [{ name: 'Example', href: '/login/start/example' }] } }, look),
  'no way to verify': look => verifyPage({ ...verification, ways: { providers: [] } }, look),
  ...Object.fromEntries(
    Object.entries(everyCall).map(([name, change]) => [
      `approval ${name}`,
      (look: Look) => approvalPage({ ...ordinaryCall, ...change }, look),
    ]),
  ),
  approvals: look => approvalsPage(ordinaryApprovals, look),
  'no approvals': look =>
    approvalsPage({ ...ordinaryApprovals, inbox: 'off', questions: [], stops: [], history: [] }, look),
  ...Object.fromEntries(
    everyDone.map(done => [
      `approvals, ${done}`,
      (look: Look) =>
        approvalsPage({ ...ordinaryApprovals, questions: ordinaryApprovals.questions.slice(1), done }, look),
    ]),
  ),
  data: look => dataPage({ csrf, user, fresh: true, waiting: 2 }, look),
  'data, to be verified': look => dataPage({ csrf, user, fresh: false, waiting: 1 }, look),
  deleted: look => deletedPage(look),
}
