import type { Command } from 'commander'
import { z } from 'zod'
import { readConfiguration } from '../../flags/configuration.js'
import { defined } from '../../flags/defined.js'
import { addGroups, type Groups } from '../operator/groups.js'
import { printKeys, reportRevocation, reportRotation, revokeKeyFlags, rotateFlags } from '../operator/keys.js'
import { pageOptions, printOne, printPage } from '../operator/operator.js'
import {
  delegationOptions,
  forget,
  forgetOptions,
  invite,
  inviteOptions,
  json,
  list,
  listOptions,
  operatorOptions,
  reinstate,
  reinstateOptions,
  revoke,
  setDelegation,
  withDelegates,
} from './oversight.js'

const sub = z.string().min(1).describe('the delegate')

const showOptions = operatorOptions({ sub, json })
const revokeDelegateOptions = operatorOptions({ sub, json })
const enrollmentListOptions = operatorOptions({ ...pageOptions, json })
const enrollment = z.string().min(1).describe('the enrolment, e.g. code:lab or oidc:ci')
const showEnrollmentOptions = operatorOptions({ enrollment, json })
const revokeEnrollmentOptions = operatorOptions({ enrollment, json })
const keyListOptions = operatorOptions({ json })
const rotateOptions = operatorOptions({ ...rotateFlags, json })
const revokeKeyOptions = operatorOptions({ ...revokeKeyFlags, json })

const groups: Groups = [
  [
    'delegates',
    'list, show and revoke delegates',
    {
      list: { description: 'list or search delegates', options: listOptions.flags, act: list },
      show: { description: 'show a delegate', options: showOptions.flags, act: showDelegate },
      revoke: {
        description: 'end a delegate, and let it enrol no more without an invitation',
        options: revokeDelegateOptions.flags,
        act: revoke,
      },
      reinstate: {
        description: 'let a revoked delegate enrol again',
        options: reinstateOptions.flags,
        act: reinstate,
      },
      delegation: {
        description: 'set or remove the conditions of a delegate',
        options: delegationOptions.flags,
        act: setDelegation,
      },
      forget: {
        description: 'remove delegates from the list that have not been seen for long',
        options: forgetOptions.flags,
        act: forget,
      },
    },
  ],
  [
    'enrolments',
    'list, show and revoke the ways by which delegates came; invite delegates',
    {
      list: {
        description: 'list enrolments, and how many delegates and unused codes each has',
        options: enrollmentListOptions.flags,
        act: listEnrollments,
      },
      show: { description: 'show an enrolment', options: showEnrollmentOptions.flags, act: showEnrollment },
      invite: { description: 'print single-use enrolment codes', options: inviteOptions.flags, act: invite },
      revoke: {
        description: 'end all delegates of an enrolment, and its unused codes',
        options: revokeEnrollmentOptions.flags,
        act: revoke,
      },
    },
  ],
  [
    'keys',
    'list, rotate and revoke the signing keys',
    {
      list: {
        description: 'list the signing keys, and what each is for',
        options: keyListOptions.flags,
        act: listKeys,
      },
      rotate: {
        description: 'make the next signing key now; it signs after 15 minutes, and no token is refused',
        options: rotateOptions.flags,
        act: rotateKeys,
      },
      revoke: {
        description: 'end a stolen signing key at once; its tokens are refused, and their delegates must enrol again',
        options: revokeKeyOptions.flags,
        act: revokeKey,
      },
    },
  ],
]

/** Adds the commands for the operator of an agent server, in groups. */
export function addOperator(server: Command): void {
  addGroups(server, groups)
}

/** `countersign agent-server delegates show`: prints a delegate. */
async function showDelegate(command: Command): Promise<void> {
  const settings = readConfiguration(command, showOptions.options, process.env)
  await withDelegates(settings, async server =>
    printOne(settings, await server.show(settings.sub), 'there is no delegate with this sub'),
  )
}

/** `countersign agent-server enrolments list`: prints enrolments, and how many delegates each has. */
async function listEnrollments(command: Command): Promise<void> {
  const settings = readConfiguration(command, enrollmentListOptions.options, process.env)
  const { after, limit } = settings
  await withDelegates(settings, async server => {
    const items = await server.enrollments(defined({ limit, after }))
    const last = items.length === limit ? items.at(-1) : undefined
    const head = ['ENROLMENT', 'DELEGATES', 'REVOKED', 'CODES']
    printPage(
      settings,
      { items, ...(last === undefined ? {} : { next: last.enrollment }) },
      { head, row: item => [item.enrollment || '-', ...[item.delegates, item.revoked, item.codes].map(String)] },
    )
  })
}

/** `countersign agent-server enrolments show`: prints one enrolment. */
async function showEnrollment(command: Command): Promise<void> {
  const settings = readConfiguration(command, showEnrollmentOptions.options, process.env)
  await withDelegates(settings, async server =>
    printOne(settings, await server.enrollment(settings.enrollment), 'nobody came by this enrolment'),
  )
}

/** `countersign agent-server keys list`: prints the keys and their states. */
async function listKeys(command: Command): Promise<void> {
  const settings = readConfiguration(command, keyListOptions.options, process.env)
  await withDelegates(settings, async ({ keys }) => printKeys(settings, await keys.list()))
}

/** `countersign agent-server keys rotate`: makes the next key now. */
async function rotateKeys(command: Command): Promise<void> {
  const settings = readConfiguration(command, rotateOptions.options, process.env)
  await withDelegates(settings, async ({ keys }) => reportRotation(settings, await keys.rotate({ now: settings.now })))
}

/** `countersign agent-server keys revoke`: ends a stolen key. Exit code 1 when there is none. */
async function revokeKey(command: Command): Promise<void> {
  const settings = readConfiguration(command, revokeKeyOptions.options, process.env)
  await withDelegates(settings, async ({ keys }) => reportRevocation(settings, await keys.revoke(settings.kid)))
}
