import type { ReasonEntry } from '@countersign/httpsig/reasons'
import type { AccessReason } from './reason.js'

const codes = ['policy_denied'] as const

/** Refusals of a request whose signature is right. */
export const accessReasons: Readonly<Record<AccessReason, ReasonEntry>> = {
  level_insufficient: {
    codes: ['insufficient_level'],
    meaning: 'The route needs a higher level than the request has.',
    fix: 'Follow the challenge in Agent-Auth.',
    clause: 'level.order',
  },
  credential_not_accepted: {
    codes: ['insufficient_level'],
    meaning: 'This endpoint does not accept this kind of credential.',
    fix: 'Sign with the kind of credential that the description names.',
    clause: 'error.insufficient-level',
  },
  scope_missing: {
    codes: ['insufficient_scope'],
    meaning: 'The token lacks a scope that the request needs.',
    fix: 'Ask for the scope, with the resource token of the challenge.',
    clause: 'challenge.forbidden',
  },
  caller_denied: {
    codes,
    meaning: 'The operator does not admit this agent, delegate or user.',
    fix: 'Ask the operator of the resource.',
    clause: 'error.policy-denied',
  },
  policy_refused: {
    codes: ['policy_denied', 'access_denied'],
    meaning: 'The policy of the resource or auth server refuses the request.',
    fix: 'Ask its operator.',
    clause: 'error.policy-denied',
  },
  via_missing: {
    codes,
    meaning: 'The request has not come through a service that the resource asks for.',
    fix: 'Call the service that the resource asks for.',
    clause: 'exchange.chain',
  },
  rate_exceeded: {
    codes: ['rate_limited'],
    meaning: 'The caller, or its network, has sent too many requests.',
    fix: 'Wait for the seconds in Retry-After.',
    clause: 'error.rate-limited',
  },
  failures_exceeded: {
    codes: ['rate_limited'],
    meaning: 'Too many requests of this network did not verify.',
    fix: 'Correct the signature, then wait for the seconds in Retry-After.',
    clause: 'rate.failures',
  },
  request_replayed: {
    codes: ['replay_detected'],
    meaning: 'This request was received before; only the first one counts.',
    fix: 'Sign each request anew.',
    clause: 'sig.replay.key',
  },
  bearer_malformed: {
    codes: ['invalid_request'],
    meaning: 'Authorization is not exactly one bearer token.',
    fix: 'Send one Authorization: Bearer header.',
    clause: 'error.invalid-request',
  },
  bearer_invalid: {
    codes: ['invalid_signature'],
    meaning: 'The bearer token is not valid here, and the request is not signed.',
    fix: 'Send a valid bearer token, or sign the request.',
    clause: 'sig.required',
  },
  bot_signature_repeated: {
    codes: ['invalid_signature'],
    meaning: 'The request has more than one signature of a bot (Web Bot Auth).',
    fix: 'Send one signature with the tag web-bot-auth.',
    clause: 'bot.one',
  },
  key_public: {
    codes: ['invalid_signature', 'invalid_agent_token', 'invalid_auth_token'],
    meaning: 'The private half of this key is printed in a specification: anyone can sign with it.',
    fix: 'Make a key of your own.',
    clause: 'discovery.test-keys',
  },
  bot_parameter_malformed: {
    codes: ['invalid_signature'],
    meaning: 'The signature of the bot lacks keyid, expires or nonce, or one of them is malformed.',
    fix: 'Send expires, the thumbprint of the key as keyid, and a fresh nonce where the request changes something.',
    clause: 'bot.parameters',
  },
  bot_agent_malformed: {
    codes: ['invalid_signature'],
    meaning: 'Signature-Agent is not the https origin of one key directory.',
    fix: 'Send the origin of the directory, or its URL, as one String without parameters.',
    clause: 'bot.agent',
  },
  bot_not_listed: {
    codes: ['invalid_signature'],
    meaning: 'The route does not admit this bot.',
    fix: 'Ask the operator of the resource, or sign as an AAuth agent.',
    clause: 'bot.listed',
  },
  bot_key_unknown: {
    codes: ['invalid_signature'],
    meaning: 'The directory of the bot lacks the key, or a valid signature of its response with that key.',
    fix: 'Publish the key, and sign the response of the directory with it.',
    clause: 'bot.directory',
  },
  user_needed: {
    codes: ['interaction_required'],
    meaning: 'The user must agree before the request can go on.',
    fix: 'Send the user to the URL of the challenge.',
    clause: 'challenge.user-interaction',
  },
  user_mismatched: {
    codes: ['access_denied', 'invalid_auth_token'],
    meaning: 'The answer, the token or the request is for another user, or for no user.',
    fix: 'Begin again as the user that the request is for.',
    clause: 'link.same-user',
  },
  downstream_refused: {
    codes: ['access_denied', 'invalid_auth_token'],
    meaning: 'A service that the request needs refused it.',
    fix: 'Ask the operator of the resource that you called.',
    clause: 'exchange.answers',
  },
  caller_not_allowed: {
    codes: ['unauthorized_client'],
    meaning: 'This caller may not use this endpoint or flow.',
    fix: 'Use a flow that the caller may use; the operator decides.',
    clause: 'error.unauthorized-client',
  },
}
