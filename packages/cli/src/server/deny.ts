import { z } from 'zod'

const deny = z.strictObject({
  agents: z.array(z.string()).optional().describe('agents, each exactly or as https://*.host; also in a chain'),
  delegates: z
    .array(
      z.strictObject({
        agent: z.string().describe('the agent server'),
        delegate: z.string().describe('sub of its agent token'),
      }),
    )
    .optional()
    .describe('single delegates; also in a chain'),
  sites: z.array(z.string()).optional().describe('registrable domains, such as acme.example: all agents of the site'),
  users: z.array(z.string()).optional().describe('users (sub): they are signed out, and cannot sign in'),
})

/** The option that says who gets nothing from an auth server. */
export const denyOptions = {
  deny: deny
    .optional()
    .describe('who gets nothing, while their grants stay; to end those, use auth-server agents block; default nobody'),
}
