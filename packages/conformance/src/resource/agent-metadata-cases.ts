import type { Case } from '../case/case.js'
import { metadataWith, wrongDocuments } from './agent-document-cases.js'
import type { ResourceStage } from './stage.js'

/** The one member of metadata that is wrong, in few words. */
const saysIn = (members: object): string => `the metadata say ${JSON.stringify(members).slice(0, 60)}`

/** The members of an agent's metadata. */
export const agentMetadataCases: readonly Case<ResourceStage>[] = [
  wrongDocuments(
    'metadata.agent',
    [
      { fault: 'jwks_uri is missing', publish: metadataWith({ jwks_uri: undefined }) },
      ...[
        { jwks_uri: ['https://agent.example/keys'] },
        { name: 1 },
        { name: { en: 'An agent' } },
        { redirect_uris: 'https://agent.example/callback' },
        { redirect_uris: [1] },
        { localhost_callback_allowed: 'true' },
        { logo_uri: null },
        { policy_uri: [] },
        { tos_uri: 'text' },
        { homepage: '/relative' },
        { homepage: `https://agent.example/${'x'.repeat(2027)}` },
        { logo_uri: 'https://agent.example/größe' },
        { logo_uri: 'https://agent.example./logo' },
        { policy_uri: 'https://user@agent.example/policy' },
        { tos_uri: 'https://agent.example/terms#1' },
        { redirect_uris: ['https://agent.example/callback#1'] },
      ].map(members => ({ fault: saysIn(members), publish: metadataWith(members) })),
    ],
    {
      words: [
        'these names and `jwks_uri` are required',
        'must make a reader refuse the whole document',
        'A URL in metadata must be absolute',
        'Members that §6 does not name must be ignored',
      ],
      clauses: ['id.metadata.self'],
      right: [
        {
          fault: 'all its members are right, and others unknown',
          publish: metadataWith({
            ...{ redirect_uris: ['https://agent.example/callback?a=1'], localhost_callback_allowed: false },
            ...{ name: 'An agent', logo_uri: `https://agent.example/${'x'.repeat(2026)}` },
            ...{ policy_uri: 'https://agent.example/policy', tos_uri: 'https://agent.example:8443/terms' },
            ...{ homepage: 'https://agent.example/', 'x-unknown': null, contacts: [1], logo: 5 },
          }),
        },
      ],
    },
  ),
]
