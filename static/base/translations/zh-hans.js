// Compiled from locale/zh_Hans/LC_MESSAGES/django.po by bin/messages.
import { setTranslations } from "../js/i18n.js";

setTranslations({
  ", {count} mention": [
    "，{count} 条 @我"
  ],
  "Rooms, {count} unread": [
    "聊天室，{count} 条未读"
  ],
  "and {count} more": [
    "还有 {count} 人"
  ],
  "{count} new message": [
    "{count} 条新消息"
  ],
  "{count} online": [
    "{count} 人在线"
  ],
  "{count} unread above": [
    "上面有 {count} 个未读"
  ],
  "{count} unread below": [
    "下面有 {count} 个未读"
  ],
  "{done} of {count} message": [
    "已写入 {done} / {count} 条消息"
  ],
  "(edited)": "（已编辑）",
  "Cancel": "取消",
  "Copied": "已复制",
  "Copy": "复制",
  "Couldn't change your name. Try again in a moment.": "昵称修改失败，请稍后再试。",
  "Couldn't delete: {problem}": "未能删除：{problem}",
  "Couldn't load earlier messages.": "更早的消息加载失败。",
  "Couldn't load emoji. Try again.": "表情加载失败，请重试。",
  "Couldn't load later messages.": "之后的消息加载失败。",
  "Couldn't save. Try again in a moment.": "保存失败，请稍后再试。",
  "Couldn't save: {problem}": "未能保存：{problem}",
  "Couldn't send: {problem}": "未能发送：{problem}",
  "Delete": "删除",
  "Delete this message?": "确定删除？",
  "Deleting…": "正在删除…",
  "Discard": "丢弃",
  "Edit": "编辑",
  "Edited elsewhere. Saving overwrites that version.": "这条消息已在别处修改，保存会覆盖那次修改。",
  "Editing a message": "正在编辑消息",
  "Jump to latest": "跳到最新消息",
  "Just you": "仅你在线",
  "Leave room": "退出聊天室",
  "Link copied": "链接已复制",
  "Live feed, started by {name} at {time}": "实时推送，由 {name} 于 {time} 启动",
  "Live feed, started by {name} at {time} · starting…": "实时推送，由 {name} 于 {time} 启动 · 正在排队…",
  "Loading earlier messages…": "正在加载更早的消息…",
  "Loading later messages…": "正在加载之后的消息…",
  "Lobby needs cookies. Allow them for this site, then reload.": "Lobby 需要 Cookie。请允许本站使用 Cookie，然后重新加载页面。",
  "Message deleted": "消息已删除",
  "Mute": "静音",
  "New": "新消息",
  "New since {time}": "{time} 以来的新消息",
  "Not sent": "未发送",
  "Notifications are blocked. Allow them in your browser's site settings.": "通知已被阻止，请在浏览器的网站设置中允许。",
  "Options for {room}": "{room} 的选项",
  "Paid": "已付款",
  "Reconnecting…": "正在重新连接…",
  "Rooms": "聊天室",
  "Save or cancel your edit first.": "请先保存或取消这次编辑。",
  "Saving…": "正在保存…",
  "Sending…": "正在发送…",
  "Several people are typing": "好几个人正在输入",
  "That didn't work: {problem}": "操作失败：{problem}",
  "That didn't work: {problem} Try again in {seconds} s.": "操作失败：{problem}请在 {seconds} 秒后再试。",
  "That room name isn't allowed.": "不能使用这个聊天室名称。",
  "The connection was lost.": "连接已断开。",
  "The server isn't responding.": "服务器没有响应。",
  "This browser can't show notifications here.": "这个浏览器在这里无法显示通知。",
  "This is the start of {room}": "这里是「{room}」的开头",
  "This message no longer exists. You can still copy your text.": "这条消息已不存在，你仍可以复制自己写的内容。",
  "This message was deleted. You can still copy your text.": "这条消息已被删除，你仍可以复制自己写的内容。",
  "This page is out of date. Reload the page.": "页面已过期，请重新加载。",
  "This page no longer exists.": "这个页面已不存在。",
  "This room was restored from a backup. Messages sent after it are missing.": "聊天室已从备份恢复，备份之后的消息已丢失。",
  "Too long: {length} of {most} characters": "文字过长：{length}/{most} 个字符",
  "Try again": "重试",
  "Unmute": "取消静音",
  "Waiting to send…": "等待发送…",
  "You don't have access to this page.": "没有访问权限。",
  "You don't have access to this room. Your drafts are saved.": "没有这个聊天室的访问权限，写好的内容已保存。",
  "You have an unsaved edit.": "有一处修改尚未保存。",
  "You no longer have access. Reload the page.": "你已没有访问权限，请重新加载页面。",
  "You're offline.": "网络未连接。",
  "You're offline. Messages will send when you're back.": "网络已断开，恢复后自动发送。",
  "You've been signed out.": "你已退出登录。",
  "You've been signed out. Your drafts are saved.": "你已退出登录，写好的内容已保存。",
  "You've created too many rooms. Try again later.": "新建过于频繁，请稍后再试。",
  "Your browser can't save your text: its storage is full or blocked. Stay on this page until it's sent.": "浏览器存储空间已满或被禁用，无法保存你写的内容。发送成功前请不要离开本页面。",
  "guest": "访客",
  "you": "你",
  "{day}, {time}": "{day} {time}",
  "{name} and {other} are typing": "{name} 和 {other} 正在输入",
  "{name} is typing": "{name} 正在输入",
  "{name}: {text}": "{name}：{text}",
  "{problem} Try again in {seconds} s.": "{problem}请在 {seconds} 秒后再试。"
}, (n) => Number(0));
