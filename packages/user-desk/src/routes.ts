import { named } from '@countersign/audit/internal'
import { linkCallbackPath, type PageFacts, refusedEvent, type UserDesk } from '@countersign/auth-server/internal'
import type { ReceivedMessage } from '@countersign/httpsig'
import { asAAuthError, type Route } from '@countersign/protocol/internal'
import { showAccount, takeBackAccess, takeBackPath } from './account/account.js'
import type { AccountContext } from './account/account-context.js'
import { accountRoutes } from './account/account-routes.js'
import { accountPath } from './account/paths.js'
import {
  allowAgain,
  answerQuestionHere,
  approvalPath,
  approvalsPath,
  showApprovals,
  showQuestion,
  turnInbox,
} from './approval/account-approvals.js'
import { beginRequest } from './consent/claim.js'
import { decideConsent, showConsent } from './consent/consent.js'
import { answerDevice, type DeviceContext, devicePath, showDevice } from './consent/device.js'
import { linkPath } from './consent/link.js'
import type { Linking } from './consent/open-request.js'
import { languagePath } from './pages/look.js'
import type { PageLimit } from './pages/page-limit.js'
import { errorPageResponse, pageRoute } from './pages/page-response.js'

/** What the pages of a desk use. */
export type DeskContext = DeviceContext & AccountContext & { readonly limit: PageLimit }

type Page = (
  methods: readonly string[],
  answer: (message: ReceivedMessage, context: DeskContext) => Promise<Response>,
) => Route

/** The pages of a desk. */
export function deskRoutes(context: DeskContext): Pick<UserDesk, 'routes' | 'ask'> {
  const page = pageOf(context)
  const routes: UserDesk['routes'] = [
    [
      '/agent/consent',
      page(['GET', 'POST'], (message, told) =>
        message.method === 'GET' ? showConsent(message, told) : decideConsent(message, told),
      ),
    ],
    [
      devicePath,
      page(['GET', 'POST'], (message, told) =>
        message.method === 'GET' ? showDevice(message, told) : answerDevice(message, told),
      ),
    ],
    [languagePath, page(['GET'], async (message, { looks }) => looks.choose(message))],
    [accountPath, page(['GET', 'HEAD'], showAccount)],
    [takeBackPath, page(['POST'], takeBackAccess)],
    ...approvalRoutes(page),
    ...accountRoutes.map(({ path, methods, answer }) => [path, page(methods, answer)] as const),
    ...(context.linking === undefined ? [] : linkRoutes(context.linking, page)),
    ...context.login.routes,
  ]
  return {
    routes,
    async ask(message, find) {
      const asking = page(['GET'], async (opened, told) =>
        beginRequest(opened, await find(row => told.note?.({ row })), told),
      )
      return asking.answer(message)
    },
  }
}

/** Makes a route of a page: an error becomes a page, and its event names the request that the page is about. */
function pageOf(context: DeskContext): Page {
  const known = new WeakMap<ReceivedMessage, PageFacts>()
  return (methods, answer) =>
    pageRoute(
      methods,
      message => answer(message, { ...named(context, message), note: facts => void known.set(message, facts) }),
      {
        looks: context.looks,
        onError: (error, message) => context.report.alone(refusedEvent(error, message, { page: known.get(message) })),
      },
    )
}

/** @see UserDesk.overLimit */
export function overPageLimit(
  message: ReceivedMessage,
  { limit, login, looks, report }: DeskContext,
): Response | undefined {
  try {
    limit.take(message.peer, () => login.sessions.knownUser(message))
    return undefined
  } catch (thrown) {
    const error = asAAuthError(thrown)
    report.tell(refusedEvent(error, message))
    return errorPageResponse(error, { look: looks.of(message) })
  }
}

function approvalRoutes(page: Page): ReadonlyArray<readonly [string, Route]> {
  return [
    [approvalsPath, page(['GET', 'HEAD'], showApprovals)],
    [`${approvalsPath}/inbox`, page(['POST'], turnInbox)],
    [`${approvalsPath}/allow`, page(['POST'], allowAgain)],
    [
      approvalPath,
      page(['GET', 'POST'], (message, told) =>
        message.method === 'GET' ? showQuestion(message, told) : answerQuestionHere(message, told),
      ),
    ],
  ]
}

function linkRoutes(linking: Linking, page: Page): ReadonlyArray<readonly [string, Route]> {
  return [
    [linkCallbackPath, page(['GET'], message => linking.callback(message))],
    [linkPath, page(['POST'], (message, told) => linking.decide(message, told.note))],
  ]
}
