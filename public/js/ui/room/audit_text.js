// An entry of the record of moderation as a sentence.

/** `entry` as the server lists it: {by, action, user_id?, room_id?, for_s?, role?, failed?}; `whom` is the name of its user, if it is known. */
export function auditText(entry, whom, i18n) {
  const { by, action, user_id: userId, room_id: room = '', for_s: seconds, role, failed } = entry;
  const slots = {
    who: by.username, whom: whom ?? userId ?? '', room, action,
    time: seconds === undefined ? i18n.text('for_good') : i18n.format.duration(seconds),
    role: i18n.has(`role_${role}`) ? i18n.text(`role_${role}`) : (role ?? ''),
  };
  const what = i18n.text(i18n.has(`audit_${action}`) ? `audit_${action}` : 'audit_other', slots);
  return failed ? i18n.text('audit_failed', { what }) : what;
}
