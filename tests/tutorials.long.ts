import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { scriptedUser } from '@countersign/playground'
import { decideAtProvider } from '@countersign/testing/provider-visit'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type Stand, stand } from './processes.fixture.js'
import { packed, project, versioned } from './reader.fixture.js'
import { runTutorial, tutorials } from './tutorial.fixture.js'

// Each tutorial, typed as it stands, with packed tarballs. docs/mcp.md is run by samples.long.ts.

let place: Stand

beforeAll(async () => {
  place = stand()
  const tarballs = packed(join(place.folder, 'tarballs')).map(({ tarball }) => tarball)
  const others = ['hono', '@hono/node-server', 'oidc-provider'].map(versioned)
  await project(place.folder, [...tarballs, ...others, 'tsx@4'])
})
afterAll(() => place.stop())

/** The OpenID provider of the tutorial that has one, and where its client takes answers. */
const provider = 'http://localhost:5430'
const redirectUri = 'http://localhost:5431/login/callback'

/** Opens a link, signs in, at a provider by that name, and agrees. */
async function decide(user: string, link: string): Promise<void> {
  const visit: typeof fetch = async (input, init) => {
    const url = String(input)
    if (!url.startsWith(`${provider}/`)) return fetch(url, init)
    const location = await decideAtProvider(url, { account: user, redirectUri })
    return new Response(null, { status: 303, headers: { location } })
  }
  await scriptedUser(user, visit).decide(link, 'Allow')
}

describe('what a tutorial says is what happens', () => {
  test.concurrent.each(tutorials)(
    '%s',
    async page => {
      const folder = join(place.folder, 'readers', page.replaceAll(/\W/g, '-'))
      mkdirSync(folder, { recursive: true })
      await runTutorial(page, { folder, decide })
    },
    240_000,
  )
})
