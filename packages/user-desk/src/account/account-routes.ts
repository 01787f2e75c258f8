import type { ReceivedMessage } from '@countersign/httpsig'
import type { AccountContext } from './account-context.js'
import { addLimits, showLimits } from './limits.js'
import { makeAccount, showNewAccount } from './new-account.js'
import { deleteAccount, exportData, showData } from './own-data.js'
import { dataPath, limitsPath, newAccountPath, verifyPath, waysPath } from './paths.js'
import { endSessions } from './sessions.js'
import { addPasskeyTo, linkProvider, removeWayOf, showWays } from './sign-in-ways.js'
import { showVerify, verify } from './verify.js'

type Answer = (message: ReceivedMessage, context: AccountContext) => Promise<Response>

/** A page of an account, or where its forms lead. */
export interface AccountRoute {
  readonly path: string
  readonly methods: readonly string[]
  readonly answer: Answer
}

const get = (path: string, answer: Answer): AccountRoute => ({ path, methods: ['GET', 'HEAD'], answer })
const post = (path: string, answer: Answer): AccountRoute => ({ path, methods: ['POST'], answer })
const both = (path: string, show: Answer, take: Answer): AccountRoute => ({
  path,
  methods: ['GET', 'HEAD', 'POST'],
  answer: (message, context) => (message.method === 'POST' ? take : show)(message, context),
})

/** The pages of an account beside the agents with access. */
export const accountRoutes: readonly AccountRoute[] = [
  both(newAccountPath, showNewAccount, makeAccount),
  both(verifyPath, showVerify, verify),
  both(limitsPath, showLimits, addLimits),
  get(waysPath, showWays),
  post('/account/passkeys/add', addPasskeyTo),
  post('/account/link', linkProvider),
  post('/account/ways/remove', removeWayOf),
  post('/account/sessions/end', endSessions),
  get(dataPath, showData),
  get('/account/export', exportData),
  post('/account/delete', deleteAccount),
]
