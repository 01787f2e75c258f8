import type { Asked, Decision, StoryUser } from './story-user.js'

/** A user whose browser is opened by agents and by MCP clients. */
export interface ToolsUser {
  /** What the user was asked on the pages that an agent has opened. */
  readonly byAgent: Asked[]
  /** What the user was asked on the pages that an MCP client has opened because the server asked for it. */
  readonly byClient: Array<Asked & { readonly message: string; readonly host: string }>
  /** What the user answers. */
  decision: Decision
  /** Opens the link of an agent. */
  readonly open: (link: string) => Promise<void>
  /** Opens the URL of an elicitation. */
  readonly visit: (url: string, message: string) => Promise<void>
}

/** A user with this browser, who agrees until `decision` says otherwise. */
export function toolsUser(browser: StoryUser): ToolsUser {
  const user: ToolsUser = {
    byAgent: [],
    byClient: [],
    decision: 'Allow',
    // bound: one call
    open: async link => void user.byAgent.push(await browser.decide(link, user.decision)),
    async visit(url, message) {
      const asked = await browser.decide(url, user.decision)
      // bound: one call
      user.byClient.push({ ...asked, message, host: new URL(url).host })
    },
  }
  return user
}
