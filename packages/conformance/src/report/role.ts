/** What is judged. */
export type Role = 'resource' | 'agent-server' | 'auth-server' | 'agent'

/** All kinds of participants. */
export const roles: readonly Role[] = ['resource', 'agent-server', 'auth-server', 'agent']
