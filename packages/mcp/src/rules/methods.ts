import { foldedName, misspeltFrom } from '@countersign/protocol/internal'

/** Methods that only read, or keep the session going. */
export const readingMethods: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'completion/complete',
  'tools/list',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'server/discover',
  'subscriptions/listen',
  'tasks/get',
  'tasks/result',
  'tasks/list',
  'tasks/cancel',
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/roots/list_changed',
  'notifications/tasks/status',
])

/** The letters and digits of a method: servers differ in what they take for a separator, and in how many. */
function lettersOf(method: string): string {
  return foldedName(method).replace(/[^\p{L}\p{N}]/gu, '')
}

/**
 * The method of the protocol that a server could take another one for: `Tools/Call`, `tools/call ` and `tools//call` would pass by the
 * rule of the session, and call any tool.
 * @returns undefined for a method of the protocol itself, and for one that a server has added
 */
export const misspeltMethod: (method: string) => string | undefined = misspeltFrom(
  [...readingMethods, 'tools/call', 'tasks/update'],
  lettersOf,
)
