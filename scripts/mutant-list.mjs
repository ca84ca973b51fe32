/**
 * What scripts/mutants.mjs switches off, one at a time: [what it is, file below dist/, text, what stands instead]. The
 * text must occur exactly once in the compiled file.
 */
const attribution = 'fencing/evidence/attribution.js'
const deleting = 'fencing/rules/deleting.js'
const ending = 'fencing/rules/ending.js'
const lateCopy = 'fencing/evidence/late-copy.js'
const constants = 'fencing/evidence/constants.js'
const unlockedBy = 'fencing/evidence/unlocking.js'
const retracting = 'fencing/rules/retracting.js'
const lockReading = 'fencing/evidence/lock-reading.js'
const maintaining = 'fencing/evidence/maintaining.js'
const sender = 'fencing/evidence/sender.js'
const opened = 'fencing/evidence/opening.js'
const looking = 'fencing/rules/looking.js'
const opening = 'fencing/rules/opening.js'
const presence = 'fencing/evidence/presence.js'
const refusing = 'fencing/rules/refusing.js'
const state = 'fencing/state/repository-state.js'
const unlocking = 'fencing/rules/unlocking.js'
const uploading = 'fencing/rules/uploading.js'
const writer = 'fencing/state/writer.js'
const journal = 'fencing/journal/journal.js'
const fences = 'gateway/gate/fences.js'
const gate = 'gateway/gate/gate.js'
const effects = 'gateway/gate/effects.js'
const outside = 'fencing/rules/outside.js'
const fence = 'fencing/repository-fence.js'
const holding = 'backends/local/holding.js'
const archives = 'backends/local/archives.js'

export const mutants = [
  [
    'rule 1: for staleness the view is the head',
    state,
    'view: stamp.position,\n        commitView',
    'view: event.view,\n        commitView',
  ],
  [
    'rule 1: listings omit what is deleted from the record on',
    looking,
    'if (state.pendingDeletions.has(object))',
    'if (false)',
  ],
  [
    'rule 3: conflicts',
    deleting,
    'if (author !== writer.id && position > writer.commitView)',
    'if (false)',
  ],
  [
    'rule 3: by others only',
    deleting,
    'author !== writer.id && position > writer.commitView',
    'position > writer.commitView',
  ],
  [
    'rule 3: since the view, not since the head',
    deleting,
    'author !== writer.id && position > writer.commitView',
    'author !== writer.id && position > writer.view',
  ],
  [
    'rule 3: what was published before the view is no conflict',
    deleting,
    'author !== writer.id && position > writer.commitView',
    'author !== writer.id && position >= writer.commitView',
  ],
  [
    'rule 3: one generation a maintenance',
    state,
    'return writer.maintenance?.generation ?? generationAfter(state.generation);',
    'return generationAfter(state.generation);',
  ],
  [
    'rule 3: refused once, broken',
    state,
    "case 'refused': {\n            const writer = touchAuthor(state, event.author, stamp);\n            const isMaintenance = event.verb === 'deletion' && isMaintained(event.object);",
    "case 'refused': {\n            const writer = touchAuthor(state, event.author, stamp);\n            const isMaintenance = false;",
  ],
  [
    'rule 4: staleness',
    writer,
    'if (run.by === writer.id || run.last <= writer.view)',
    'if (true)',
  ],
  [
    'rule 4: by others only',
    writer,
    'run.by === writer.id || run.last <= writer.view',
    'run.last <= writer.view',
  ],
  [
    'rule 4: each deletion counts, not only the first',
    state,
    'run.last = stamp.position;\n    state.generation',
    ';\n    state.generation',
  ],
  [
    "rule 5: a stale writer's index and snapshot",
    uploading,
    "{ reason: 'unseen' });\n    }\n    const fence = commonFence(context, attribution);",
    "{ reason: 'unseen' });\n    }\n    const fence = undefined;",
  ],
  [
    "rule 5: a stale writer's locks",
    uploading,
    'const fence = haveLooked ? commonFence(context, attribution) : undefined;',
    'const fence = undefined;',
  ],
  [
    'rule 5: its locks leave with it',
    refusing,
    ": lockDeletions(context, attribution.writer.id, 'fenced');",
    ': [];',
  ],
  [
    'rule 6: not from their owners',
    looking,
    'return !callers.some((writer) => owners.includes(writer.id));',
    'return true;',
  ],
  ['rule 6: not before their time', looking, '> context.settings.lockTimeoutMs', '> 0'],
  [
    'rule 6: anew after a restart',
    presence,
    'return Math.max(this.locksHeard.get(lock) ?? this.#locksSince, this.#locksSince);',
    'return this.locksHeard.get(lock) ?? 0;',
  ],
  ['rule 6: anew after a jump of the clock', fences, 'if (hasJumped)', 'if (false)'],
  [
    "rule 6: they go with the writer's end",
    ending,
    "return [ended, ...lockDeletions(context, id, 'ended')];",
    'return [ended];',
  ],
  [
    'rule 8: answered needs a further request',
    'fencing/repository-fence.js',
    'caller.channel.unconfirmed.push(object);',
    "caller.channel.unconfirmed.push(object);\n        this.#journal.defer([{ kind: 'answered', objects: [object] }]);",
  ],
  [
    'rule 8: tries are counted',
    presence,
    'if (this.uploads.get(object) === true)',
    'if (false)',
  ],
  [
    'config: the late copy of a migration is not that of the only other run',
    deleting,
    "return by === 'only-candidate' || authorIs(configDeletedBy, writer.id);",
    'return authorIs(configDeletedBy, writer.id);',
  ],
  [
    'config: no run deletes it twice',
    deleting,
    "return by === 'only-candidate' || authorIs(configDeletedBy, writer.id);",
    "return by === 'only-candidate';",
  ],
  [
    'config: a first migration deletes it at once',
    deleting,
    "if (typeOf(object) !== 'config' || configDeletedBy === undefined)",
    "if (typeOf(object) !== 'config')",
  ],
  [
    'config: a base remembers that it was deleted',
    'fencing/journal/base.js',
    'configDeletedBy: state.configDeletedBy,',
    'configDeletedBy: undefined,',
  ],
  [
    'turns: whatever is decided on one object comes one after another',
    fences,
    'return this.#mutex.run(`${fence.repository}/${object}`, async () => {',
    'return new KeyedMutex().run(`${fence.repository}/${object}`, async () => {',
  ],
  [
    'turns: with what failed before carried out',
    fences,
    'await this.#carryOutPending(fence, object);\n            return act();',
    'return act();',
  ],
  [
    'attribution: who took back a try that was never heard of may have sent it',
    presence,
    'this.repeated.set(object, true);\n        this.triedAt(object, arrivedAt);',
    'this.repeated.set(object, true);',
  ],
  [
    'rule 8: the journal knows what was tried more than once',
    deleting,
    'commit?.isRepeated === true || ',
    '',
  ],
  ['rule 9: the same bytes again', uploading, "if (upload.present === 'same')", 'if (false)'],
  [
    'rule 9: other bytes are refused',
    uploading,
    "if (upload.present === 'different')",
    'if (false)',
  ],
  [
    'attribution: only who ended since it arrived',
    attribution,
    'ended.position > since || isKnown',
    'ended.position > 0 || isKnown',
  ],
  [
    'attribution: who may have sent what is in quarantine may send its copy after a restart',
    attribution,
    '(kept !== undefined && authorMayBe(kept, id))',
    'false',
  ],
  [
    'attribution: who may have sent what was committed as of unknown author may send its copy',
    attribution,
    'committed?.includes(id) === true',
    'false',
  ],
  [
    'attribution: who ended since a try that was in vain may have sent it',
    attribution,
    'Math.min(earlier ?? caller.arrivedAt, caller.arrivedAt)',
    'caller.arrivedAt',
  ],
  [
    'late copies: what may come from a run that has ended waits for the end of its stream',
    gate,
    '!(await fence.outwait(caller, verb, object, signal))',
    'false',
  ],
  [
    'late copies: whose client has hung up is not decided',
    fence,
    'if (signal.aborted)\n            return false;\n        const { channel, arrivedAt }',
    'const { channel, arrivedAt }',
  ],
  [
    'late copies: who has asked since on a line is there',
    lateCopy,
    'if (hasOutlived(caller, ended.position))',
    'if (false)',
  ],
  [
    'late copies: HTTP/2 comes ahead of answers',
    'gateway/http/session-channel.js',
    'isMultiplexed: true',
    'isMultiplexed: false',
  ],
  [
    'late copies: over HTTP/2 the end of the stream is heard',
    'gateway/http/exchange.js',
    'return answer.writableEnded && answer.writableFinished;',
    'return answer.writableFinished;',
  ],
  [
    'late copies: who was waited for is there',
    fence,
    'channel.outlived = Math.max(channel.outlived, arrivedAt);',
    'undefined;',
  ],
  [
    'late copies: a pack or a lock need not wait',
    lateCopy,
    'if (isHarmless(verb, object))',
    'if (false)',
  ],
  [
    'late copies: an index and a snapshot wait too, not deletions alone',
    lateCopy,
    "verb === 'upload' && type !== 'index' && type !== 'snapshots'",
    "verb === 'upload'",
  ],
  [
    'late copies: who is known by more than being the only one need not wait',
    lateCopy,
    "by !== undefined && by !== 'only-candidate'",
    'false',
  ],
  [
    'late copies: what may be that of several waits too',
    lateCopy,
    "by !== undefined && by !== 'only-candidate'",
    "by !== 'only-candidate'",
  ],
  [
    'late copies: who ended long ago sends nothing any more',
    lateCopy,
    'ended === undefined || context.now - ended.time > lateMsMax',
    'ended === undefined',
  ],
  [
    'late copies: who cannot have sent it does not count',
    lateCopy,
    '(writer.hasLooked || !mustHaveLooked) && mayBeSender(context, caller, writer)',
    'true',
  ],
  [
    'late copies: the end of the stream is looked for behind a body',
    'gateway/rest/writing.js',
    'await exchange.body.drain();\n    const outcome = await gate.delete',
    'const outcome = await gate.delete',
  ],
  [
    'recovery: what was removed past the gateway before it was settled is given up',
    effects,
    "result === 'gone' && standing === undefined",
    'false',
  ],
  [
    'recovery: what is still held is not given up',
    effects,
    "result === 'gone' && standing === undefined",
    'standing === undefined',
  ],
  [
    'recovery: what was removed at once is not told to be there',
    fences,
    'if (gone === undefined)',
    'if (true)',
  ],
  [
    'recovery: a pack that was removed past the gateway is an outside maintenance',
    outside,
    'vanished.some(isMaintained)',
    "vanished.some((object) => object.startsWith('index'))",
  ],
  [
    'recovery: a snapshot that was removed past the gateway overtakes nobody',
    outside,
    'vanished.some(isMaintained)',
    'vanished.length > 0',
  ],
  [
    'turns: the locks of a fenced writer go in their own turn',
    fences,
    'objectOf(fence, one) !== object',
    'false',
  ],
  [
    'turns: the locks of an ended writer go in their own turn',
    fences,
    'await this.inTurn(fence, object, () => this.#carryOutNow(fence, [one]));',
    'await this.#carryOutNow(fence, [one]);',
  ],
  [
    'attribution: a channel that has closed is not forgotten at once',
    presence,
    'this.#closed.set(channelId, state);',
    '',
  ],
  [
    'attribution: names posted before',
    attribution,
    "if (posted !== undefined)\n        return sure(posted, 'name');",
    '',
  ],
  [
    'attribution: who has not looked posts no index',
    attribution,
    '!question.mustHaveLooked || writer.hasLooked',
    'true',
  ],
  [
    'attribution: ... but before a restart',
    presence,
    'presence = newPresence(Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY);',
    'presence = newPresence(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);',
  ],
  [
    'ambiguity: no candidate at all',
    uploading,
    'if (candidates.length === 0) {',
    'if (false) {',
  ],
  [
    'ambiguity: patience',
    presence,
    ">= patienceMs ? 'exhausted' : 'again'",
    ">= 0 ? 'exhausted' : 'again'",
  ],
  [
    'ambiguity: patience ends',
    presence,
    ">= patienceMs ? 'exhausted' : 'again'",
    "< 0 ? 'exhausted' : 'again'",
  ],
  ['quarantine: bytes are kept once', refusing, 'if (known !== undefined) {', 'if (false) {'],
  [
    'quarantine: nobody is told before the bytes are there',
    gate,
    'await this.#options.fences.inTurn(met.fence, object, async () => undefined);',
    '',
  ],
  [
    'quarantine: its bound',
    refusing,
    '!state.allowance.admits(caller.client, attempt.size)',
    'false',
  ],
  [
    'ending: not by a lock that was posted more than once',
    unlocking,
    'presence.repeated.get(object) === true',
    'false',
  ],
  [
    'ending: fourteen days of silence',
    ending,
    'context.now - last > context.settings.writerAgeMaxMs',
    'false',
  ],
  [
    'outside: a vanished index overtakes',
    state,
    'state.runs.push({ generation, last: position, isOutside: true });',
    '',
  ],
  [
    'outside: the folder is compared when a client begins',
    gate,
    'await this.#options.fences.compare(met.fence);',
    '',
  ],
  [
    'outside: an index that appeared is a commit by another',
    state,
    'if (appeared.length > 0)',
    'if (false)',
  ],
  [
    'outside: no index changes while they are compared',
    fence,
    'const isSteady = indexesSettledAt(state) === settledAt;',
    'const isSteady = true;',
  ],
  [
    'outside: nor is one under way',
    outside,
    "return pending.some((object) => typeOf(object) === 'index') ? undefined : state.indexPosition;",
    'return state.indexPosition;',
  ],
  [
    'commit: the record is durable before its effect',
    journal,
    'await (recorded.length > 0 ? this.flush() : this.#durable);',
    'void this.flush().catch(() => undefined);',
  ],
  [
    'commit: deferred events are stored with the next',
    journal,
    'this.#deferred = [];\n            const records = deferred.map(({ record }) => record);',
    'this.#deferred = [];\n            const records = deferred.slice(-1).map(({ record }) => record);',
  ],
  [
    'commit: the chain is proved at the start',
    journal,
    'if (!follows(this.#head, record)) {',
    'if (false) {',
  ],
  [
    'commit: a lock that goes meanwhile is not deleted twice',
    gate,
    'size !== undefined && !state.pendingDeletions.has(object)',
    'size !== undefined',
  ],
  [
    'commit: the name is the hash of the content',
    gate,
    'digest !== undefined && digest !== sha256',
    'false',
  ],
  [
    'commit: the decision is made at the end of the body',
    gate,
    'const present = await this.#present(fence, object, { size, sha256 });',
    "const present = 'absent';",
  ],
  [
    'recovery: what is not done is carried through',
    fences,
    'await carryOut(store, fence, unsettled);',
    '',
  ],
  ['recovery: half received bodies go', fences, 'await this.#cleanStaging(fence);', ';'],
  ['recovery: what failed is tried again', fences, 'this.#putOff(fence, answer.recorded);', ''],
  [
    'recovery: what a failed journal knows is not carried out',
    effects,
    'if (fence.failure !== undefined)',
    'if (false)',
  ],
  [
    'recovery: what failed of the regular check is tried again',
    fences,
    'this.#putOff(fence, recorded.slice(at));',
    '',
  ],
  [
    'recovery: a failed journal is loaded again',
    fences,
    'known !== undefined && known.failure === undefined',
    'known !== undefined',
  ],
  [
    'recovery: staged bytes outlive an uncertain record',
    fences,
    'if (fence.failure !== undefined && this.#loaded.get(repository) === fence) {',
    'if (false) {',
  ],
  [
    'recovery: an effect that is there already is no fault',
    effects,
    "if (result === 'published')\n        return undefined;",
    "if (result !== 'published')\n        throw new Error('not published');\n    return undefined;",
  ],
  [
    'recovery: an older effect gives way to a newer record',
    effects,
    'for (const effect of isWanted ? effects : insteadOf(effects)) {',
    'for (const effect of effects) {',
  ],
  ['fsync: a staged body', 'backends/local/receiving.js', 'disk.sync(file), ', ''],
  [
    'fsync: the folder of a staged body',
    'backends/local/receiving.js',
    ', sync.sync(dirname(path))]',
    ']',
  ],
  [
    'fsync: the folder of a name',
    'backends/local/folder-sync.js',
    'await this.#disk.sync(descriptor);',
    '',
  ],
  [
    'fsync: never one that had begun before',
    'backends/local/folder-sync.js',
    'if (rounds === undefined)\n            return this.#begin(folder);',
    'return rounds?.running ?? this.#begin(folder);',
  ],
  [
    'fsync: the new name of a move',
    'backends/local/moving.js',
    'await this.#sync.sync(dirname(to));',
    '',
  ],
  ['fsync: what an earlier call had published', holding, 'await sync.sync(dirname(to));', ''],
  [
    'fsync: the old name of what is released',
    holding,
    "if (held.area === 'quarantine')\n            await sync.sync(dirname(from));",
    '',
  ],
  [
    'fsync: the old name of what is kept',
    holding,
    'await sync.sync(dirname(from));\n        return moved ===',
    'return moved ===',
  ],
  [
    'fsync: what an earlier call had kept',
    holding,
    "await this.#syncIfThere(areas.folder(state, 'quarantine'));",
    '',
  ],
  ['fsync: what is discarded', holding, 'await this.#syncIfThere(dirname(path));', ';'],
  [
    'fsync: a removal',
    'backends/local/local-store.js',
    "unless(['ENOENT'], undefined, sync.sync(folder))",
    'Promise.resolve()',
  ],
  ['fsync: new folders', 'backends/local/folders.js', 'await this.#sync.sync(above);', ''],
  [
    'fsync: the folders of packs',
    'backends/local/folders.js',
    'await this.#sync.sync(data);',
    '',
  ],
  ['fsync: a new journal', 'backends/sqlite/opening.js', 'fsyncSync(folder);', ''],
  [
    'fsync: the journal',
    'backends/sqlite/opening.js',
    "database.pragma('journal_mode = WAL');\n    database.pragma('synchronous = FULL');",
    "database.pragma('journal_mode = WAL');\n    database.pragma('synchronous = OFF');",
  ],
  [
    'fsync: an archive',
    archives,
    "const handle = await open(unfinished, 'r');\n        try {\n            await handle.sync();",
    "const handle = await open(unfinished, 'r');\n        try {",
  ],
  ['fsync: the name of an archive', archives, 'await syncFolder(folder);', ''],
  ['fsync: the folder of archives', archives, 'await syncFolder(dirname(folder));', ''],
  [
    'rule 1: a lock takes no view',
    uploading,
    'const takesView = writer !== undefined &&',
    'const takesView = false &&',
  ],
  [
    'rule 1: after the look a lock moves the view',
    uploading,
    '(!writer.hasLooked || clearsLook)',
    'true',
  ],
  [
    'rule 1: a first lock clears no possible look',
    uploading,
    '(!writer.hasLooked || clearsLook)',
    '!writer.hasLooked',
  ],
  [
    'rule 1: the only one left clears a possible look',
    uploading,
    "writer === undefined || by === 'only-candidate'",
    'writer === undefined',
  ],
  [
    'ambiguity: current candidates are deferred',
    uploading,
    '(isCurrent && !mayMaintain)',
    'false',
  ],
  [
    'ambiguity: one that is overtaken does not matter',
    uploading,
    '(isCurrent && !mayMaintain)',
    '!mayMaintain',
  ],
  [
    'ambiguity: a maintenance does not matter',
    uploading,
    '(isCurrent && !mayMaintain)',
    'isCurrent',
  ],
  [
    'rule 3: the author that is a set is the writer itself',
    deleting,
    'author !== writer.id && position > writer.commitView',
    "author !== writer.id && author.startsWith('w-') && position > writer.commitView",
  ],
  [
    'rule 8: whatever is new is taken back',
    retracting,
    'published !== undefined && published > writer.packView',
    'published !== undefined',
  ],
  [
    'rule 8: no pack is taken back',
    retracting,
    'published !== undefined && published > writer.packView',
    'false',
  ],
  [
    'rule 8: what was answered is taken back too',
    retracting,
    'commit !== undefined && !commit.isAnswered && authorIs',
    'commit !== undefined && authorIs',
  ],
  ['ending: on any channel', unlocking, '!isTagged && sender.only !== writer.id', 'false'],
  ['ending: without an answer', unlocking, 'lock?.isAnswered !== true', 'lock === undefined'],
  [
    'ending: what hung since a failed try',
    unlocking,
    '!isTagged && outlived < lock.position',
    'false',
  ],
  [
    'ending: without any work',
    unlocking,
    '!hasWorked(context, writer, lock.position)',
    'false',
  ],
  [
    'ending: while it holds another lock',
    unlocking,
    '[...writer.locks].some((held) => held !== object)',
    'false',
  ],
  [
    'evidence: an unlock may not delete the lock',
    unlockedBy,
    'owners.includes(id) || mayBeUnlock(context, id)',
    'owners.includes(id)',
  ],
  [
    'evidence: anybody may delete a lock',
    unlockedBy,
    'owners.includes(id) || mayBeUnlock(context, id)',
    'true',
  ],
  [
    'evidence: who reads a lock may be its owner',
    lockReading,
    'id !== owner && ',
    "'' !== owner && ",
  ],
  [
    'evidence: locks are read after the look too',
    lockReading,
    'state.writers.get(id)?.hasSurelyLooked !== true',
    'true',
  ],
  ['evidence: other tags', constants, 'writer.tag !== caller.tag', 'false'],
  [
    'evidence: other users',
    constants,
    'user === undefined || writer.client.user === user',
    'true',
  ],
  [
    'evidence: other constants',
    constants,
    'return constants === writer.constants',
    'return true',
  ],
  [
    'evidence: born after the channel was opened',
    constants,
    'bornAt <= channel.channel.openedAt',
    'bornAt <= Number.POSITIVE_INFINITY',
  ],
  [
    'evidence: a second opening says nothing',
    opened,
    'channel.opened === undefined && !channel.isMixed',
    'true',
  ],
  [
    'evidence: anybody may maintain',
    maintaining,
    'writer.mayHaveListedPacks || writer.isFromBefore === true',
    'true',
  ],
]
