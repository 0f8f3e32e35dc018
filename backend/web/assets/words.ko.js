/** The page in Korean. */

export default {
  name: "한국어",
  exit: "10번 출구",
  languages: "언어",
  next: "다음 집회",
  now: "지금 진행 중",
  later: "이어지는 집회",
  none: "예정된 집회가 없습니다.",
  loading: "불러오는 중…",
  meetingPoint: "모이는 곳",
  cancelled: "취소되었습니다",
  alerts: "지금까지의 알림",
  noAlerts: "아직 알림이 없습니다.",
  replaced: "이후 알림으로 바뀌었습니다",
  failed: "지금은 불러올 수 없습니다. 곧 다시 시도합니다.",
  /** @param {string} time */
  stale: (time) => `연결이 끊겨 ${time}에 받은 내용을 보여 드립니다.`,
  help: "도움이 필요하면",
  police: "경찰",
  ambulance: "소방·구급",
  hotline: "여성긴급전화·디지털 성범죄, 24시간",
  promise:
    "Exit 10은 참가자가 누구인지 묻지도 저장하지도 않습니다. 이 페이지는 쿠키를 쓰지 않고 다른 사이트에 접속하지 않습니다.",
  invited: "조직자로 초대받았습니다",
  inviteHelp:
    "조직자용 화면이 나오기 전까지는 터미널에서 아래 명령으로 초대를 수락하세요. 초대는 한 번만 쓸 수 있고, 마지막 줄이 보여 주는 접근 토큰은 비밀로 보관해야 합니다.",
  copy: "명령 복사",
  copied: "복사했습니다",
  gatherings: {
    rally: "집회",
    march: "행진",
    vigil: "추모 집회",
    "press-briefing": "기자회견",
    meeting: "모임",
  },
  kinds: {
    information: "안내",
    change: "변경",
    cancellation: "취소",
    reminder: "미리 알림",
    "safety-warning": "안전 주의",
    "leave-now": "즉시 이동",
    "all-clear": "상황 해제",
  },
};
