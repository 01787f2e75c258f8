import type { Command } from 'commander'
import { invite, inviteUserOptions } from '../invite-user.js'
import { addAdmin, adminAddOptions, adminListOptions, adminRemoveOptions, listAdmins, removeAdmin } from './admins.js'
import {
  agentBlockOptions,
  agentListOptions,
  agentOptions,
  blockAgent,
  listAgents,
  showAgent,
  unblockAgent,
} from './agents.js'
import { audit } from './audit.js'
import { grantListOptions, grantOptions, listGrants, revokeGrants, revokeOptions, showGrant } from './grants.js'
import { addGroups, type Groups, type Operation } from './groups.js'
import { keyListOptions, listKeys, revokeKey, revokeKeyOptions, rotateKeys, rotateOptions } from './keys.js'
import { policyTestOptions, testServerPolicy } from './policy-test.js'
import { blockUser, listUsers, showUser, unblockUser, userListOptions, userOptions } from './users.js'

const users: Readonly<Record<string, Operation>> = {
  list: { description: 'list or search users', options: userListOptions.flags, act: listUsers },
  show: { description: 'show a user, and how they sign in', options: userOptions.flags, act: showUser },
  block: {
    description: 'sign a user out, end what they allowed, and let them sign in no more',
    options: userOptions.flags,
    act: blockUser,
  },
  unblock: { description: 'let a blocked user sign in again', options: userOptions.flags, act: unblockUser },
  invite: {
    description: 'print a link with which one person makes an account; the same as auth-server invite',
    options: inviteUserOptions.flags,
    act: invite,
  },
}

const grants: Readonly<Record<string, Operation>> = {
  list: {
    description: 'list grants, all or those of an agent, user or resource',
    options: grantListOptions.flags,
    act: listGrants,
  },
  show: { description: 'show a grant', options: grantOptions.flags, act: showGrant },
  revoke: {
    description: 'end one grant, or all of an agent, user or resource, and tell the resources',
    options: revokeOptions.flags,
    act: revokeGrants,
  },
}

const agents: Readonly<Record<string, Operation>> = {
  list: {
    description: 'list agents with grants, or what is blocked',
    options: agentListOptions.flags,
    act: listAgents,
  },
  show: { description: 'show an agent, its delegates and what blocks it', options: agentOptions.flags, act: showAgent },
  block: {
    description: 'end what an agent, a delegate or a site has, tell the resources, and give it nothing more',
    options: agentBlockOptions.flags,
    act: blockAgent,
  },
  unblock: {
    description: 'let a blocked agent, delegate or site ask again',
    options: agentBlockOptions.flags,
    act: unblockAgent,
  },
}

const admins: Readonly<Record<string, Operation>> = {
  list: { description: 'list who may use the admin page', options: adminListOptions.flags, act: listAdmins },
  add: {
    description: 'print a link with which one browser signs in at the admin page',
    options: adminAddOptions.flags,
    act: addAdmin,
  },
  remove: {
    description: 'sign an admin out of the admin page in all browsers, at once',
    options: adminRemoveOptions.flags,
    act: removeAdmin,
  },
}

const keys: Readonly<Record<string, Operation>> = {
  list: { description: 'list the signing keys, and what each is for', options: keyListOptions.flags, act: listKeys },
  rotate: {
    description: 'make the next signing key now; it signs after 15 minutes, and no token is refused',
    options: rotateOptions.flags,
    act: rotateKeys,
  },
  revoke: {
    description: 'end a stolen signing key at once; its tokens are refused',
    options: revokeKeyOptions.flags,
    act: revokeKey,
  },
}

const policy: Readonly<Record<string, Operation>> = {
  test: {
    description: 'say what the configuration decides about a request, and which rule; exit code 1: denied',
    options: policyTestOptions.flags,
    act: testServerPolicy,
  },
}

const groups: Groups = [
  ['users', 'list, show and block users', users],
  ['grants', 'list, show and revoke grants', grants],
  ['agents', 'list, show and block agents', agents],
  ['audit', 'read, prove and export the audit log', audit],
  ['admins', 'list, add and remove those who may use the admin page', admins],
  ['keys', 'list, rotate and revoke the signing keys', keys],
  ['policy', 'try the policy of the configuration', policy],
]

/** Adds the commands for the operator of an auth server. */
export function addOperator(server: Command): void {
  addGroups(server, groups)
}
